//! Commands that need no server.

use std::fs;

use crate::support::command;

const LEAST: &str = "source: {url: 'http://z', tokenFile: /t}\nredis: {groups: {main: {address: 'r:1'}}}\n";

#[test]
fn types_are_explained_and_tables_checked() {
    let (code, out, _) = command(&["classify", "user.human.added", "session.added", "quantum.entangled"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(code, 0);
    assert!(lines[0].starts_with("user.human.added\tnormal\trow 3: user.human.added"), "{out}");
    assert!(lines[1].starts_with("session.added\thigh\trow 2: session.added"), "{out}");
    assert!(lines[2].starts_with("quantum.entangled\tnormal\tno row"), "{out}");
    let (code, out, _) = command(&["classify"]);
    assert_eq!((code, out.as_str()), (0, "3 rows, no findings\n"));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("events.yaml");
    let rows = "classify: [{to: high, types: ['session.*']}, {to: low, types: ['session.added', 'sesion.added']}]\n";
    fs::write(&file, format!("{LEAST}{rows}")).expect("written");
    let (code, out, error) = command(&["classify", "--config", file.to_str().expect("text")]);
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    assert!(
        out.contains("row 2: session.added: shadowed: session.* in row 1") && out.contains("sesion.added: dead"),
        "{out}"
    );
    assert!(error.contains("2 findings"), "{error}");
}

#[test]
fn exit_codes_say_whose_fault_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("events.yaml");
    let path = file.to_str().expect("text");
    assert_eq!(command(&["check", "--config", path]).0, 3, "the file is not there");
    fs::write(&file, format!("{LEAST}qeues: {{}}\n")).expect("written");
    let (code, _, error) = command(&["check", "--config", path]);
    assert!(code == 2 && error.contains("qeues") && error.contains(path), "{error}");
    fs::write(&file, LEAST).expect("written");
    assert_eq!(command(&["check", "--config", path]).0, 0);
    assert_eq!(command(&["peek", "--config", path, "--queue", "urgent"]).0, 2);
    assert_eq!(command(&["peek", "--config", path, "--queue", "high"]).0, 3, "Redis is not there");
    assert_eq!(command(&["no-such-command"]).0, 2);
    assert_eq!(command(&["--help"]).0, 0);
}
