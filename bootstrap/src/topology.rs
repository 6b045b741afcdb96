//! Who is master of which Redis group, kept in a ConfigMap where it survives all Redis and Sentinel pods.
//!
//! Runs beside a Sentinel. Files in one directory are all that the two say to each other: `recorded` is what the ConfigMap
//! holds, `seen` what this Sentinel knows; both have a line `GROUP EPOCH HOST` for each group. A Sentinel gets an epoch from
//! a majority of them, so the higher one is always the younger truth, and only that is ever written.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::kubernetes::{self, Api, config_map};

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// Which ConfigMap, and where the Sentinel's files are.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// `namespace/name` of the ConfigMap.
    #[arg(long, env = "BLINKCHAMBER_TOPOLOGY")]
    pub topology: String,
    /// Directory of `recorded` and `seen`.
    #[arg(long, env = "BLINKCHAMBER_TOPOLOGY_DIRECTORY")]
    pub directory: PathBuf,
    /// The API server.
    #[command(flatten)]
    pub api: kubernetes::Options,
}

/// Epoch and master of each group.
type Masters = BTreeMap<String, (u64, String)>;

/// Records for as long as the pod lives: a Sentinel without it works all the same, so nothing here ends the program but
/// nonsense in its configuration.
///
/// # Errors
/// [`Failure::Configuration`] when the ConfigMap's name is none.
pub fn run<W: Write>(options: &Options, out: &mut W) -> Result<(), Failure> {
    let record = Record::new(options)?;
    let mut known = None;
    loop {
        match record.step(known.take()) {
            Ok((masters, changes)) => {
                for change in changes {
                    writeln!(out, "{change}").ok();
                }
                known = Some(masters);
            }
            Err(failure) => {
                writeln!(out, "not recorded, trying again: {failure}").ok();
            }
        }
        sleep(PAUSE);
    }
}

struct Record<'a> {
    api: Api,
    path: String,
    directory: &'a Path,
}

impl<'a> Record<'a> {
    fn new(options: &'a Options) -> Result<Self, Failure> {
        let path = config_map("--topology", &options.topology)?;
        Ok(Self { api: Api::new(&options.api)?, path, directory: &options.directory })
    }

    /// Brings record and files together once: `known` is what the record held before, or `None` to look it up.
    fn step(&self, known: Option<Masters>) -> Result<(Masters, Vec<String>), Failure> {
        let mut masters = match known {
            Some(masters) => masters,
            None => {
                let masters = recorded(&self.api.get(&self.path)?);
                self.announce(&masters)?;
                masters
            }
        };
        let seen = parse(&fs::read_to_string(self.directory.join("seen")).unwrap_or_default());
        if younger(&masters, &seen).is_empty() {
            return Ok((masters, Vec::new()));
        }
        // Another Sentinel may have written meanwhile; the version makes sure that nobody writes over what was not read.
        let object = self.api.get(&self.path)?;
        masters = recorded(&object);
        let changes = younger(&masters, &seen);
        let said =
            changes.iter().map(|(group, (epoch, host))| format!("recorded: {group}, epoch {epoch}, master {host}"));
        let said = said.collect();
        if !changes.is_empty() {
            let version = object.get("metadata").and_then(|metadata| metadata.get("resourceVersion"));
            let data: BTreeMap<_, _> =
                changes.iter().map(|(group, (epoch, host))| (group, format!("{epoch} {host}"))).collect();
            self.api.patch(&self.path, &json!({"metadata": {"resourceVersion": version}, "data": data}))?;
            masters.extend(changes);
        }
        self.announce(&masters)?;
        Ok((masters, said))
    }

    /// Writes `recorded`, complete or not at all.
    fn announce(&self, masters: &Masters) -> Result<(), Failure> {
        let text: String = masters.iter().map(|(group, (epoch, host))| format!("{group} {epoch} {host}\n")).collect();
        let (next, path) = (self.directory.join("recorded.next"), self.directory.join("recorded"));
        fs::write(&next, text)
            .and_then(|()| fs::rename(&next, &path))
            .map_err(|error| Failure::Unreachable(format!("write {}: {error}", path.display())))
    }
}

/// What `seen` knows better: groups that are not recorded, and higher epochs.
fn younger(recorded: &Masters, seen: &Masters) -> Masters {
    let better =
        |(group, (epoch, _)): &(&String, &(u64, String))| recorded.get(*group).is_none_or(|(known, _)| epoch > known);
    seen.iter().filter(better).map(|(group, master)| (group.clone(), master.clone())).collect()
}

fn recorded(object: &Value) -> Masters {
    let data = object.get("data").and_then(Value::as_object).into_iter().flatten();
    data.filter_map(|(group, value)| line(&format!("{group} {}", value.as_str()?))).collect()
}

fn parse(text: &str) -> Masters {
    text.lines().filter_map(line).collect()
}

/// `GROUP EPOCH HOST`; what is not of that form says nothing.
fn line(text: &str) -> Option<(String, (u64, String))> {
    let mut words = text.split_whitespace();
    let (group, epoch, host) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    words.next().is_none().then(|| (group.to_owned(), (epoch, host.to_owned())))
}

#[cfg(test)]
mod tests;
