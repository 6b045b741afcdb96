use std::{fs, path::PathBuf};

use super::{super::FilesError, Store, file, names, spec, volume};

fn refusal(generations: Vec<PathBuf>, destinations: &[&str]) -> FilesError {
    let files: Vec<_> = destinations.iter().map(|path| (spec(PathBuf::from(path)), b"x".to_vec())).collect();
    Store::new(generations).commit(&files).unwrap_err()
}

#[test]
fn paths_that_mean_something_else_are_refused_before_anything_is_written() {
    let cases = [
        (vec!["relative/file"], "absolute"),
        (vec!["/v/../etc/passwd"], "`..`"),
        (vec!["/v/directory/"], "names a directory"),
        (vec!["/"], "names a directory"),
        (vec!["/v/a\0b"], "NUL"),
        (vec!["/v/..data/x"], "reserved"),
        (vec!["/v/..gen-1"], "reserved"),
        (vec!["/v"], "the volume itself"),
        (vec!["/v/a", "/v/./a"], "two files"),
        (vec!["/v/a", "/v/a/b"], "destination of another file"),
    ];
    for (destinations, expected) in cases {
        let error = refusal(vec![PathBuf::from("/v")], &destinations).to_string();
        assert!(error.contains(expected), "{destinations:?}: {error}");
    }
    assert!(!PathBuf::from("/v").exists());
}

#[test]
fn an_owner_nobody_knows_is_named() {
    let dir = volume();
    for (user, group, expected) in [
        (Some("no-such-user"), None, "no user \"no-such-user\" in the agent's /etc/passwd; give the number"),
        (None, Some("4294967295"), "no group \"4294967295\""),
    ] {
        let mut one = file(dir.path(), "a", "1");
        one.0.user = user.map(str::to_owned);
        one.0.group = group.map(str::to_owned);
        let error = Store::new(vec![dir.path().into()]).commit(&[one]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn the_innermost_generation_directory_takes_a_file() {
    let dir = volume();
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let store = Store::new(vec![dir.path().into(), inner.clone()]);
    store.commit(&[file(dir.path(), "a", "1"), file(&inner, "b", "2")]).unwrap();
    assert!(fs::symlink_metadata(inner.join("..data")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(inner.join("b")).unwrap(), "2");
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "1");
}

#[test]
fn a_directory_in_the_way_is_an_error_and_nothing_changes() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "a", "1")]).unwrap();
    fs::create_dir(dir.path().join("b")).unwrap();
    let error = store.commit(&[file(dir.path(), "a", "2"), file(dir.path(), "b", "2")]).unwrap_err();
    assert!(error.to_string().contains("a directory is in the way"), "{error}");
    assert!(error.changed().is_empty());
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "1");
    assert!(names(dir.path()).iter().all(|name| !name.starts_with("..new-") && !name.starts_with("..link-")));
}

#[test]
fn a_missing_volume_is_an_error_unless_directories_may_be_made() {
    let dir = volume();
    let missing = dir.path().join("x/y");
    let store = Store::new(vec![missing.clone()]);
    let mut one = file(&missing, "a", "1");
    one.0.create_dirs = false;
    let error = store.commit(std::slice::from_ref(&one)).unwrap_err().to_string();
    assert!(error.starts_with("cannot open the directory") && error.contains("mount a volume"), "{error}");
    one.0.create_dirs = true;
    store.commit(&[one]).unwrap();
    assert_eq!(fs::read_to_string(missing.join("a")).unwrap(), "1");
}

#[test]
fn one_volume_that_fails_does_not_keep_the_others_from_changing() {
    let good = volume();
    let bad = volume();
    let blocked = bad.path().join("blocked");
    fs::write(&blocked, "a file where the volume should be").unwrap();
    let store = Store::new(vec![good.path().into(), blocked.clone()]);
    let error = store.commit(&[file(&blocked, "a", "1"), file(good.path(), "b", "1")]).unwrap_err();
    assert_eq!(error.faults().len(), 1, "{error}");
    assert_eq!(error.changed(), [good.path().join("b")]);
    assert_eq!(fs::read_to_string(good.path().join("b")).unwrap(), "1");
}
