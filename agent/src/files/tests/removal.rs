use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use super::{Store, current, file, names, volume, with_prefix};

fn ours(_path: &Path, bytes: &[u8]) -> bool {
    bytes.starts_with(b"ours")
}

#[test]
fn what_is_removed_from_a_generation_goes_in_one_swap_and_leaves_the_rest() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    let path = |name: &str| dir.path().join(name);
    let files = ["kept", "old", "tls/cert.pem", "tls/deep/key.pem", "both/a", "both/b"];
    store.commit(&files.map(|name| file(dir.path(), name, "ours"))).unwrap();
    fs::write(path("foreign"), "ours by its bytes only").unwrap();
    symlink("..data/other", path("strange")).unwrap();
    let before = current(dir.path());

    let stale = ["old", "tls/cert.pem", "tls/deep/key.pem", "both/a", "never/was", "foreign"].map(path);
    let removed = store.remove(&stale, &ours).unwrap();
    let expected = ["both/a", "old", "tls/cert.pem", "tls/deep/key.pem"].map(path);
    assert_eq!(removed, expected);
    let visible = names(dir.path()).into_iter().filter(|name| !name.starts_with("..")).collect::<Vec<_>>();
    assert_eq!(visible, ["both", "foreign", "kept", "strange"]);
    assert_eq!(names(&current(dir.path())), ["both", "kept"]);
    assert_eq!(names(&path("both")), ["b"]);
    assert_eq!(fs::read_to_string(path("kept")).unwrap(), "ours");
    assert!(before.join("old").exists(), "who resolved the last generation still finds its files");
    assert!(store.remove(&stale, &ours).unwrap().is_empty(), "and nothing more");
}

#[test]
fn what_somebody_else_wrote_stays() {
    let dir = volume();
    let store = Store::new(vec![dir.path().join("volume")]);
    let path = |name: &str| dir.path().join(name);
    let written = ["volume/a", "plain", "link", "gone/file"].map(|name| file(dir.path(), name, "ours"));
    store.commit(&written).unwrap();
    fs::remove_file(path("plain")).unwrap();
    fs::write(path("plain"), "theirs").unwrap();
    fs::rename(path("link"), path("target")).unwrap();
    symlink("target", path("link")).unwrap();
    fs::remove_dir_all(path("gone")).unwrap();
    let all = ["volume/a", "plain", "link", "gone/file"].map(path);
    let removed = store.remove(&all, &|path, bytes| bytes == b"ours" && !path.ends_with("volume/a")).unwrap();
    assert!(removed.is_empty(), "{removed:?}");
    assert!(["volume/a", "plain", "link", "target"].iter().all(|name| path(name).exists()));
    assert_eq!(with_prefix(&path("volume"), "..gen-").len(), 1, "no generation for nothing");
    fs::remove_file(path("link")).unwrap();
    fs::rename(path("target"), path("link")).unwrap();
    assert_eq!(store.remove(&all, &ours).unwrap(), ["volume/a", "link"].map(path));
    assert!(!path("link").exists() && names(&path("volume")).iter().all(|name| name.starts_with("..")));
}

#[test]
fn an_empty_generation_can_be_filled_again() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]).with_grace(Duration::ZERO);
    let files = [file(dir.path(), "a/b", "ours")];
    store.commit(&files).unwrap();
    store.remove(&[dir.path().join("a/b")], &ours).unwrap();
    assert_eq!(store.commit(&files).unwrap(), [dir.path().join("a/b")]);
    assert_eq!(fs::read_to_string(dir.path().join("a/b")).unwrap(), "ours");
    assert_eq!(with_prefix(dir.path(), "..gen-").len(), 2, "the emptied one waits for its readers");
}
