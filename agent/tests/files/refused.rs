//! The system refuses: what was in place stays, and the error says what to do.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Output},
};

use blinkchamber_agent::files::{FileSpec, FilesError, Store};

use crate::support::{DIRECTORY, child, directory_of_child, file, hidden, is_root};

const SIZE: &str = "256k";

fn sized(directory: &Path, letter: u8, kilobytes: usize) -> [(FileSpec, Vec<u8>); 1] {
    [file(directory.join("secret"), vec![letter; kilobytes * 1024])]
}

fn first_byte(directory: &Path) -> u8 {
    fs::read(directory.join("secret")).unwrap()[0]
}

fn assert_ok(output: &Output) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_full_and_a_read_only_volume() {
    // Needs a tmpfs of its own, in a mount namespace of its own.
    let may_mount = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    assert!(may_mount, "needs `unshare -m`: run the tests as root");
    let directory = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size={SIZE} tmpfs \"$0\" && exec \"$@\"");
    let inner = child(std::env::current_exe().unwrap(), "refused::on_a_small_tmpfs", directory.path());
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).arg(directory.path()).arg(inner.get_program()).args(inner.get_args());
    assert_ok(&command.env(DIRECTORY, directory.path()).output().unwrap());
}

#[test]
#[ignore = "a child of the test above"]
fn on_a_small_tmpfs() {
    let Some(directory) = directory_of_child() else { return };
    let store = Store::new(vec![directory.clone()]);
    store.commit(&sized(&directory, b'a', 100)).unwrap();
    // Superseded generations make room for new ones before their grace is over.
    store.commit(&sized(&directory, b'b', 100)).unwrap();
    store.commit(&sized(&directory, b'c', 100)).unwrap();
    assert_eq!(first_byte(&directory), b'c');

    for store in [&store, &Store::new(Vec::new())] {
        let error = store.commit(&sized(&directory, b'd', 200)).unwrap_err();
        assert!(error.faults()[0].is_out_of_space(), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot write {}/secret: No space left", directory.display())), "{text}");
        assert!(text.contains("raise its sizeLimit"), "{text}");
        assert_eq!(fs::read(directory.join("secret")).unwrap(), vec![b'c'; 100 * 1024]);
        assert_eq!(hidden(&directory).len(), 2, "{:?}", hidden(&directory));
    }
    store.commit(&sized(&directory, b'e', 120)).unwrap();
    assert_eq!(first_byte(&directory), b'e');

    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&directory).status().unwrap();
    assert!(remounted.success());
    let fresh = Store::new(vec![directory.clone()]);
    assert!(fresh.commit(&sized(&directory, b'e', 120)).unwrap().is_empty(), "nothing to do is no error");
    let error = fresh.commit(&sized(&directory, b'f', 10)).unwrap_err();
    assert!(error.to_string().contains("the volume is read-only for the agent"), "{error}");
    assert_eq!(first_byte(&directory), b'e');
}

#[test]
fn without_rights() {
    assert!(is_root(), "only root can become somebody without rights: run the tests as root");
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, owner) in [("own", 65534), ("foreign", 0)] {
        fs::create_dir(directory.path().join(name)).unwrap();
        std::os::unix::fs::chown(directory.path().join(name), Some(owner), Some(owner)).unwrap();
    }
    // The build directory may be closed to others.
    let program = directory.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = child(&program, "refused::as_nobody", directory.path());
    assert_ok(&command.uid(65534).gid(65534).output().unwrap());
}

#[test]
#[ignore = "a child of the test above"]
fn as_nobody() {
    let Some(directory) = directory_of_child() else { return };
    let (own, foreign) = (directory.join("own"), directory.join("foreign"));
    let store = Store::new(vec![own.clone(), foreign.clone()]);
    store.commit(&sized(&own, b'a', 1)).unwrap();

    let mut given_away = sized(&own, b'b', 1);
    given_away[0].0.user = Some("0".to_owned());
    let error = store.commit(&given_away).unwrap_err();
    expect(&error, "cannot set the owner of", "use the pod's fsGroup");
    assert_eq!(first_byte(&own), b'a');
    assert_eq!(hidden(&own).len(), 2, "{:?}", hidden(&own));

    let error = store.commit(&sized(&foreign, b'a', 1)).unwrap_err();
    expect(&error, "cannot make the directory", "no permission: check the volume's fsGroup and mode");

    // To give a file to oneself is no privilege.
    given_away[0].0.user = Some("65534".to_owned());
    assert_eq!(store.commit(&given_away).unwrap().len(), 1);
}

fn expect(error: &FilesError, operation: &str, advice: &str) {
    let text = error.to_string();
    assert!(text.starts_with(operation) && text.contains(advice), "{text}");
}
