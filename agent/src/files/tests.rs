use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{FileSpec, Store, owner::look_up};

mod paths;
mod plain;
mod readers;
mod removal;

/// A directory on tmpfs where there is one: that is where the files live in a pod.
fn volume() -> TempDir {
    let shm = Path::new("/dev/shm");
    let parent = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("blinkchamber-files-").tempdir_in(parent).unwrap()
}

fn spec(destination: PathBuf) -> FileSpec {
    FileSpec { destination, mode: 0o440, user: None, group: None, create_dirs: true }
}

fn file(directory: &Path, name: &str, text: &str) -> (FileSpec, Vec<u8>) {
    (spec(directory.join(name)), text.as_bytes().to_vec())
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn with_prefix(directory: &Path, prefix: &str) -> Vec<String> {
    names(directory).into_iter().filter(|name| name.starts_with(prefix)).collect()
}

fn current(directory: &Path) -> PathBuf {
    directory.join(fs::read_link(directory.join("..data")).unwrap())
}

#[test]
fn the_first_commit_makes_a_generation_and_links() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    let files = [file(dir.path(), "db.env", "a=1\n"), file(dir.path(), "tls/cert.pem", "CERT")];
    let changed = store.commit(&files).unwrap();
    assert_eq!(changed, [dir.path().join("db.env"), dir.path().join("tls/cert.pem")]);
    assert_eq!(fs::read_to_string(dir.path().join("db.env")).unwrap(), "a=1\n");
    assert_eq!(fs::read_to_string(dir.path().join("tls/cert.pem")).unwrap(), "CERT");
    assert_eq!(fs::read_link(dir.path().join("db.env")).unwrap(), Path::new("..data/db.env"));
    assert_eq!(fs::read_link(dir.path().join("tls")).unwrap(), Path::new("..data/tls"));
    let meta = fs::metadata(dir.path().join("db.env")).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o440);
    assert_eq!(fs::metadata(current(dir.path())).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::metadata(current(dir.path()).join("tls")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(with_prefix(dir.path(), "..").len(), 2, "{:?}", names(dir.path()));
}

#[test]
fn nothing_changed_is_no_new_generation() {
    let dir = volume();
    let files = [file(dir.path(), "a", "1"), file(dir.path(), "b", "2")];
    Store::new(vec![dir.path().into()]).commit(&files).unwrap();
    let before = current(dir.path());
    // Another process: it finds the generation and carries it on.
    let changed = Store::new(vec![dir.path().into()]).commit(&files).unwrap();
    assert!(changed.is_empty());
    assert_eq!(current(dir.path()), before);
}

#[test]
fn what_did_not_change_is_the_same_inode_in_the_next_generation() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "big", "same"), file(dir.path(), "small", "1")]).unwrap();
    let before = fs::metadata(dir.path().join("big")).unwrap().ino();
    let changed = store.commit(&[file(dir.path(), "big", "same"), file(dir.path(), "small", "2")]).unwrap();
    assert_eq!(changed, [dir.path().join("small")]);
    assert_eq!(fs::metadata(dir.path().join("big")).unwrap().ino(), before);
    assert_eq!(fs::read_to_string(dir.path().join("small")).unwrap(), "2");
}

#[test]
fn files_that_are_not_mentioned_stay() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "a", "1"), file(dir.path(), "deep/er/b", "2")]).unwrap();
    store.commit(&[file(dir.path(), "c", "3")]).unwrap();
    for (name, text) in [("a", "1"), ("deep/er/b", "2"), ("c", "3")] {
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), text);
    }
}

#[test]
fn mode_and_owner_are_made_right_but_are_no_change() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    let mut files = [file(dir.path(), "a", "1")];
    store.commit(&files).unwrap();
    files[0].0.mode = 0o400;
    assert!(store.commit(&files).unwrap().is_empty());
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().mode() & 0o7777, 0o400);

    let own = fs::metadata(dir.path()).unwrap();
    let (user, group) = if own.uid() == 0 { (1234, 2345) } else { (own.uid(), own.gid()) };
    files[0].0.user = Some(user.to_string());
    files[0].0.group = Some(group.to_string());
    assert!(store.commit(&files).unwrap().is_empty());
    let meta = fs::metadata(dir.path().join("a")).unwrap();
    assert_eq!((meta.uid(), meta.gid()), (user, group));
    let before = current(dir.path());
    assert!(store.commit(&files).unwrap().is_empty());
    assert_eq!(current(dir.path()), before);
}

#[test]
fn files_inherit_the_group_of_a_volume_with_the_set_group_id_bit() {
    let dir = volume();
    let root = fs::metadata(dir.path()).unwrap().uid() == 0;
    let group = if root { 3456 } else { fs::metadata(dir.path()).unwrap().gid() };
    std::os::unix::fs::chown(dir.path(), None, Some(group)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o2777)).unwrap();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "a", "1"), file(dir.path(), "sub/b", "1")]).unwrap();
    for name in ["a", "sub/b"] {
        assert_eq!(fs::metadata(dir.path().join(name)).unwrap().gid(), group, "{name}");
    }
}

#[test]
fn a_plain_file_and_a_foreign_link_are_replaced_and_other_files_are_left_alone() {
    let dir = volume();
    let elsewhere = volume();
    let target = elsewhere.path().join("target");
    fs::write(&target, "not ours").unwrap();
    fs::write(dir.path().join("plain"), "old").unwrap();
    fs::write(dir.path().join("foreign"), "keep").unwrap();
    symlink(&target, dir.path().join("link")).unwrap();
    symlink("..2026_01_01", dir.path().join("..data")).unwrap();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "plain", "new"), file(dir.path(), "link", "new")]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("plain")).unwrap(), "new");
    assert_eq!(fs::read_to_string(dir.path().join("link")).unwrap(), "new");
    assert_eq!(fs::read_to_string(dir.path().join("foreign")).unwrap(), "keep");
    assert_eq!(fs::read_to_string(&target).unwrap(), "not ours");
}

#[test]
fn links_inside_of_a_generation_are_never_followed() {
    let dir = volume();
    let elsewhere = volume();
    fs::write(elsewhere.path().join("cert.pem"), "untouched").unwrap();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "tls/cert.pem", "1"), file(dir.path(), "a", "1")]).unwrap();
    // Somebody who may write to the volume turns a directory and a file into links out of it.
    let generation = current(dir.path());
    fs::remove_dir_all(generation.join("tls")).unwrap();
    symlink(elsewhere.path(), generation.join("tls")).unwrap();
    fs::remove_file(generation.join("a")).unwrap();
    symlink(elsewhere.path().join("cert.pem"), generation.join("a")).unwrap();
    store.commit(&[file(dir.path(), "tls/cert.pem", "2"), file(dir.path(), "a", "2")]).unwrap();
    assert_eq!(fs::read_to_string(elsewhere.path().join("cert.pem")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(dir.path().join("tls/cert.pem")).unwrap(), "2");
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "2");
}

#[test]
fn leftovers_of_a_killed_run_go_at_the_next_commit() {
    let dir = volume();
    fs::create_dir_all(dir.path().join("..new-dead/deep")).unwrap();
    fs::write(dir.path().join("..new-dead/deep/secret"), "half").unwrap();
    fs::create_dir_all(dir.path().join("..gen-0000dead")).unwrap();
    symlink("..new-dead", dir.path().join("..link-dead")).unwrap();
    Store::new(vec![dir.path().into()]).commit(&[file(dir.path(), "a", "1")]).unwrap();
    assert_eq!(with_prefix(dir.path(), "..").len(), 2, "{:?}", names(dir.path()));
}

#[test]
fn superseded_generations_stay_for_their_readers_and_go_after_the_grace() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    for number in 0..40 {
        store.commit(&[file(dir.path(), "a", &number.to_string())]).unwrap();
    }
    let kept = with_prefix(dir.path(), "..gen-").len();
    assert!((2..=18).contains(&kept), "{kept}");
    let store = store.with_grace(Duration::ZERO);
    store.commit(&[file(dir.path(), "a", "last")]).unwrap();
    assert_eq!(with_prefix(dir.path(), "..gen-").len(), 2);
    // A commit that changes nothing cleans up too.
    store.commit(&[file(dir.path(), "a", "last")]).unwrap();
    assert_eq!(with_prefix(dir.path(), "..gen-").len(), 1);
}

#[test]
fn a_file_may_become_a_directory_and_back() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    store.commit(&[file(dir.path(), "a", "file"), file(dir.path(), "b", "1")]).unwrap();
    store.commit(&[file(dir.path(), "a/inner", "dir"), file(dir.path(), "b", "1")]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a/inner")).unwrap(), "dir");
    store.commit(&[file(dir.path(), "a", "again"), file(dir.path(), "b", "1")]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "again");
}

#[test]
fn a_removed_link_is_made_again_without_a_new_generation() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    let files = [file(dir.path(), "a", "1")];
    store.commit(&files).unwrap();
    let before = current(dir.path());
    fs::remove_file(dir.path().join("a")).unwrap();
    assert!(store.commit(&files).unwrap().is_empty());
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "1");
    assert_eq!(current(dir.path()), before);
}

#[test]
fn a_reader_with_an_open_file_keeps_it() {
    use std::io::Read;

    let dir = volume();
    let store = Store::new(vec![dir.path().into()]).with_grace(Duration::ZERO);
    store.commit(&[file(dir.path(), "a", "first")]).unwrap();
    let mut open = fs::File::open(dir.path().join("a")).unwrap();
    for text in ["second", "third", "fourth"] {
        store.commit(&[file(dir.path(), "a", text)]).unwrap();
    }
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first");
}

#[test]
fn five_hundred_files_of_which_one_changes_cost_one_file() {
    let dir = volume();
    let store = Store::new(vec![dir.path().into()]);
    let mut files: Vec<_> = (0..500).map(|number| file(dir.path(), &format!("s{number}.env"), "user=u\n")).collect();
    assert_eq!(store.commit(&files).unwrap().len(), 500);
    files[250].1 = b"user=v\n".to_vec();
    assert_eq!(store.commit(&files).unwrap(), [dir.path().join("s250.env")]);
    let generation = current(dir.path());
    let alone = (0..500).filter(|n| fs::metadata(generation.join(format!("s{n}.env"))).unwrap().nlink() == 1).count();
    assert_eq!(alone, 1);
}

#[test]
fn names_are_looked_up_in_the_classic_files() {
    let dir = volume();
    let database = dir.path().join("passwd");
    fs::write(&database, "root:x:0:0:root:/root:/bin/sh\n\nbad\npostgres:x:999:998::/:/bin/sh\n").unwrap();
    assert_eq!(look_up(&database, "postgres"), Some(999));
    assert_eq!(look_up(&database, "root"), Some(0));
    assert_eq!(look_up(&database, "bad"), None);
    assert_eq!(look_up(&dir.path().join("none"), "root"), None);
}
