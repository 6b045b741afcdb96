//! Commands for people.

pub(crate) mod consume;
pub(crate) mod peek;
pub(crate) mod replay;

use std::io::{self, Write};
use std::path::Path;

use crate::classify::{Classifier, check as findings, default_rows};
use crate::cli::Classify;
use crate::config::{self, Config};
use crate::link::{self, Link};
use crate::logs::chain;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Findings(String),
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Server(String),
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        match error {
            config::Error::Read { .. } => Self::Server(chain(&error)),
            _ => Self::Configuration(chain(&error)),
        }
    }
}

impl From<link::Error> for Failure {
    fn from(error: link::Error) -> Self {
        Self::Server(chain(&error))
    }
}

/// Reads a configuration and says nothing but that it can be used.
pub(crate) fn check(file: &Path) -> Result<(), Failure> {
    Config::read(file)?;
    print(format!("{}: ok", file.display()).as_bytes())
}

/// A line a type: type, queue, row and glob; or the table's findings.
pub(crate) fn classify(arguments: &Classify) -> Result<(), Failure> {
    let rows = match &arguments.file {
        Some(file) => Config::read(file)?.rows(),
        None => default_rows(),
    };
    let table = Classifier::new(rows);
    if arguments.types.is_empty() {
        let found = findings(&table);
        for finding in &found {
            print(finding.to_string().as_bytes())?;
        }
        return match found.len() {
            0 => print(format!("{} rows, no findings", table.rows().len()).as_bytes()),
            count => Err(Failure::Findings(format!("{count} findings"))),
        };
    }
    for kind in &arguments.types {
        let answer = table.classify(kind);
        let why = match table.matching(kind) {
            Some((row, glob)) => {
                let number = table.rows().iter().position(|other| std::ptr::eq(other, row)).unwrap_or_default() + 1;
                format!("row {number}: {glob}")
            }
            None => "no row; unknown types are normal".to_owned(),
        };
        print(format!("{kind}\t{}\t{why}", answer.fate).as_bytes())?;
    }
    Ok(())
}

/// A connection to the group with this name.
async fn open(config: &Config, group: &str) -> Result<Link, Failure> {
    let unnamed = || Failure::Configuration(format!("there is no group {group}"));
    let settings = config.redis.groups.get(group).ok_or_else(unnamed)?;
    Ok(Link::open(&config.redis, settings).await?)
}

/// The groups that queues are in, each with its list of dead letters.
fn groups(config: &Config) -> Vec<String> {
    let mut groups: Vec<_> = config.queues().into_iter().map(|plan| plan.group).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// A line on standard output.
fn print(line: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(line).and_then(|()| out.write_all(b"\n"));
    written.map_err(|error| Failure::Server(format!("standard output: {error}")))
}
