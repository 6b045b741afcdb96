//! What the tests share.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use blinkchamber_agent::files::FileSpec;

/// Names the directory that a child works in.
pub(crate) const DIRECTORY: &str = "BLINKCHAMBER_TEST_DIRECTORY";

/// The directory of a child; none when somebody runs the ignored tests by hand.
pub(crate) fn directory_of_child() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// This program with one ignored test.
pub(crate) fn child(program: impl AsRef<OsStr>, test: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", test, "--nocapture", "--test-threads=1"]).env(DIRECTORY, directory);
    command
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

pub(crate) fn file(destination: PathBuf, bytes: Vec<u8>) -> (FileSpec, Vec<u8>) {
    (FileSpec { destination, mode: 0o440, user: None, group: None, create_dirs: true }, bytes)
}

/// What the machinery keeps for itself in a directory.
pub(crate) fn hidden(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with('.')).collect();
    names.sort();
    names
}
