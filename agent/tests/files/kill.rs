//! An agent that is killed at any moment leaves whole files, and the next one cleans up.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use blinkchamber_agent::files::{FileSpec, Store};

use crate::support::{child, directory_of_child, file, hidden};

const ROUNDS: u64 = 30;
const LINES: usize = 3000;

fn files(root: &Path, number: u64) -> [(FileSpec, Vec<u8>); 3] {
    let text = format!("{number:015}\n").repeat(LINES).into_bytes();
    let paths = ["volume/cert", "volume/tls/key", "plain/app.conf"];
    paths.map(|path| file(root.join(path), text.clone()))
}

#[test]
#[ignore = "a child of the test below"]
fn commits_until_killed() {
    let Some(root) = directory_of_child() else { return };
    let store = Store::new(vec![root.join("volume")]);
    let first = number_in(&root.join("volume/cert")).unwrap_or(0);
    for number in first + 1.. {
        assert_eq!(store.commit(&files(&root, number)).unwrap().len(), 3);
    }
}

#[test]
fn thirty_kills_leave_whole_files() {
    let shm = Path::new("/dev/shm");
    let parent = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(parent).unwrap();
    let root = directory.path();
    let mut last = 0;
    for round in 0..ROUNDS {
        let mut command = child(std::env::current_exe().unwrap(), "kill::commits_until_killed", root);
        let mut running = command.stdout(Stdio::null()).spawn().unwrap();
        wait_for_commit(root, last);
        // Steps that share no factor with a commit's duration: the kill falls into every part of it.
        thread::sleep(Duration::from_micros(round * 1337 % 9000));
        running.kill().unwrap();
        running.wait().unwrap();

        let cert = whole(&generation(root).join("cert"));
        let key = whole(&generation(root).join("tls/key"));
        assert_eq!(cert, key, "round {round}: two files of different generations");
        assert!(cert > last, "round {round}: {cert} after {last}");
        assert_eq!(whole(&root.join("volume/cert")), cert);
        let plain = whole(&root.join("plain/app.conf"));
        assert!(plain.abs_diff(cert) <= 1, "round {round}: {plain} beside {cert}");
        last = cert;
    }

    let store = Store::new(vec![root.join("volume")]).with_grace(Duration::ZERO);
    assert!(!store.commit(&files(root, last + 10)).unwrap().is_empty());
    store.commit(&files(root, last + 10)).unwrap();
    assert_eq!(hidden(&root.join("volume")).len(), 2, "{:?}", hidden(&root.join("volume")));
    assert!(hidden(&root.join("plain")).is_empty(), "{:?}", hidden(&root.join("plain")));
}

fn generation(root: &Path) -> PathBuf {
    root.join("volume").join(fs::read_link(root.join("volume/..data")).unwrap())
}

/// The number of a file that has all its lines and its mode.
fn whole(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = text.lines().next().unwrap();
    assert_eq!(text, format!("{line}\n").repeat(LINES), "{}", path.display());
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o7777, 0o440);
    line.parse().unwrap()
}

fn number_in(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.lines().next()?.parse().ok()
}

/// Waits until the child has committed a few times, plain file included.
fn wait_for_commit(root: &Path, last: u64) {
    let begin = Instant::now();
    while number_in(&root.join("plain/app.conf")).is_none_or(|number| number < last + 3) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the child commits nothing");
        thread::sleep(Duration::from_millis(1));
    }
}
