use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

use super::{Store, file, names, volume};

#[test]
fn a_file_outside_of_a_generation_is_replaced_by_rename() {
    let dir = volume();
    let store = Store::new(Vec::new());
    let files = [file(dir.path(), "sub/app.conf", "1")];
    assert_eq!(store.commit(&files).unwrap(), [dir.path().join("sub/app.conf")]);
    let before = fs::metadata(dir.path().join("sub/app.conf")).unwrap();
    assert_eq!(before.mode() & 0o7777, 0o440);
    assert!(store.commit(&files).unwrap().is_empty());
    assert_eq!(fs::metadata(dir.path().join("sub/app.conf")).unwrap().ino(), before.ino());
    store.commit(&[file(dir.path(), "sub/app.conf", "2")]).unwrap();
    assert_ne!(fs::metadata(dir.path().join("sub/app.conf")).unwrap().ino(), before.ino());
    assert_eq!(names(&dir.path().join("sub")), ["app.conf"]);
}

#[test]
fn a_link_is_replaced_not_followed() {
    let dir = volume();
    fs::write(dir.path().join("victim"), "untouched").unwrap();
    symlink("victim", dir.path().join("app.conf")).unwrap();
    Store::new(Vec::new()).commit(&[file(dir.path(), "app.conf", "new")]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("victim")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(dir.path().join("app.conf")).unwrap(), "new");
}

#[test]
fn a_temporary_file_of_a_killed_run_goes() {
    let dir = volume();
    let store = Store::new(Vec::new());
    store.commit(&[file(dir.path(), "a", "1")]).unwrap();
    // Its name is a function of the destination: make the commit fail half-way to learn it.
    fs::remove_file(dir.path().join("a")).unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    let error = store.commit(&[file(dir.path(), "a", "1")]).unwrap_err().to_string();
    assert!(error.contains("a directory is in the way"), "{error}");
    assert_eq!(names(dir.path()), ["a"], "the temporary file is removed after a failure");
}

#[test]
fn a_name_of_the_longest_length_works() {
    let dir = volume();
    let name = "n".repeat(255);
    Store::new(Vec::new()).commit(&[file(dir.path(), &name, "1")]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join(&name)).unwrap(), "1");
    let error = Store::new(Vec::new()).commit(&[file(dir.path(), &"n".repeat(256), "1")]).unwrap_err().to_string();
    assert!(error.contains("File name too long"), "{error}");
}

#[test]
fn one_file_that_fails_does_not_stop_the_next() {
    let dir = volume();
    fs::write(dir.path().join("file"), "").unwrap();
    let files = [file(dir.path(), "file/below", "1"), file(dir.path(), "good", "1")];
    let error = Store::new(Vec::new()).commit(&files).unwrap_err();
    assert_eq!(error.changed(), [dir.path().join("good")]);
    assert!(error.to_string().contains("a part of the path is a file"), "{error}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_does_not_block() {
    let dir = volume();
    let path = dir.path().join("a");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    Store::new(Vec::new()).commit(&[file(dir.path(), "a", "1")]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1");
}
