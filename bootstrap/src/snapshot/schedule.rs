//! `snapshot keep` and `snapshot fresh`: snapshots of a directory again and again, and whether the newest is young enough.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::{HEAD, Save, TAIL, list, log_in, save, unreadable};
use crate::{Failure, desired, end};

/// After one that failed: the server may be back soon.
const SOON: Duration = Duration::from_secs(10);
/// Between two looks at whether one is due; a clock that is set while we wait must not put it off for hours.
const LOOK: Duration = Duration::from_secs(5);

/// Settings of `snapshot keep`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Keep {
    /// Where to.
    #[command(flatten)]
    pub save: Save,
    /// How old the newest may become before the next is made, such as 6h.
    #[arg(long, env = "BLINKCHAMBER_SNAPSHOTS_EVERY", default_value = "6h")]
    pub every: String,
}

/// Settings of `snapshot fresh`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Fresh {
    /// The directory.
    pub directory: PathBuf,
    /// How old the newest may be; twice as old and it is not fresh any more.
    #[arg(long, env = "BLINKCHAMBER_SNAPSHOTS_EVERY", default_value = "6h")]
    pub every: String,
}

/// Makes a snapshot whenever the newest is too old. What fails is told and tried again.
///
/// # Errors
/// [`Failure::Configuration`] when `--every` is no duration or the target no directory.
pub fn keep(options: &Keep, out: &mut impl Write) -> Result<(), Failure> {
    let every = duration(&options.every)?;
    let directory = &options.save.target;
    if !directory.is_dir() {
        return Err(Failure::Configuration(format!("{} is not a directory", directory.display())));
    }
    end::at_signal()?;
    loop {
        let due = age(directory)?.is_none_or(|age| age >= every);
        let done = if due { take(&options.save, out) } else { Ok(()) };
        if let Err(failure) = &done {
            writeln!(out, "snapshot: {failure}; tried again in {} s", SOON.as_secs()).ok();
        }
        thread::sleep(if done.is_ok() { LOOK } else { SOON });
    }
}

/// Whether the newest snapshot is at most twice as old as they are made: one may be late, two may not.
///
/// # Errors
/// [`Failure::Failed`] when it is older, or there is none.
pub fn fresh(options: &Fresh, out: &mut impl Write) -> Result<(), Failure> {
    let limit = duration(&options.every)?.saturating_mul(2);
    let directory = options.directory.display();
    match age(&options.directory)? {
        None => Err(Failure::Failed(format!("{directory} holds no snapshot"))),
        Some(age) if age > limit => {
            let (age, limit) = (age.as_secs(), limit.as_secs());
            Err(Failure::Failed(format!("the newest snapshot in {directory} is {age} s old, more than {limit} s")))
        }
        Some(age) => writeln!(out, "the newest snapshot is {} s old", age.as_secs())
            .map_err(|error| unreadable(&options.directory, &error)),
    }
}

fn take(options: &Save, out: &mut impl Write) -> Result<(), Failure> {
    save(options, &log_in(&options.access, &options.role)?, out)
}

/// Of the newest. The time in its name counts: a copied file is as old as what it holds.
fn age(directory: &Path) -> Result<Option<Duration>, Failure> {
    let newest = list(directory)?.into_iter().rev().find_map(|(name, _)| made(&name));
    // One of the future was made by a clock that was wrong: it is new.
    Ok(newest.map(|made| SystemTime::now().duration_since(made).unwrap_or_default()))
}

fn made(name: &str) -> Option<SystemTime> {
    let time = name.strip_prefix(HEAD)?.strip_suffix(TAIL)?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let seconds = desired::seconds(text).filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| {
        Failure::Configuration(format!("--every {text:?}: expected a duration of whole seconds, such as 30m or 6h"))
    })?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
