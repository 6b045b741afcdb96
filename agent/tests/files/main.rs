//! Files while the agent is killed, the volume is full or read-only, and rights are missing.
//!
//! Parts run in a child process: this program again, with one of the ignored tests and a directory to work in.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use blinkchamber_agent::files::FileSpec;

mod kill;
mod refused;

/// Names the directory that a child works in.
const DIRECTORY: &str = "BLINKCHAMBER_TEST_DIRECTORY";

/// The directory of a child; none when somebody runs the ignored tests by hand.
fn directory_of_child() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// This program with one ignored test.
fn child(program: impl AsRef<OsStr>, test: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", test, "--nocapture", "--test-threads=1"]).env(DIRECTORY, directory);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn file(destination: PathBuf, bytes: Vec<u8>) -> (FileSpec, Vec<u8>) {
    (FileSpec { destination, mode: 0o440, user: None, group: None, create_dirs: true }, bytes)
}

/// What the machinery keeps for itself in a directory.
fn hidden(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with('.')).collect();
    names.sort();
    names
}
