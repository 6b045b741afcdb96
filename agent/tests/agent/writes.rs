//! `writeToFile`: whole files and appends, what stands in their way, and nothing lost.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use serde_json::json;

use crate::{
    bao::Bao,
    process::{PATIENCE, Setup, wait},
};

fn setup(bao: &Bao, flags: &str) -> Setup {
    let setup = Setup::new(&bao.address(), "root");
    let path = setup.text("written");
    let contents = format!(
        r#"{{{{ with secret "secret/data/app" }}}}{{{{ .Data.data.a }}}}{{{{ .Data.data.a | writeToFile {path:?} "" "" "0640" {flags} }}}}{{{{ end }}}}"#
    );
    let home = setup.text("home");
    fs::create_dir(&home).unwrap();
    setup.template("out", &contents).configure("blinkchamber", json!({ "home": home }))
}

#[test]
fn a_whole_file_is_replaced_and_has_its_mode() {
    let bao = Bao::start();
    bao.put("app", json!({ "a": "one" }));
    let setup = setup(&bao, "");
    fs::write(setup.path("written"), "something of before").unwrap();
    let _agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for("written", "one");
    assert_eq!(fs::metadata(setup.path("written")).unwrap().permissions().mode() & 0o7777, 0o640);
    bao.put("app", json!({ "a": "two" }));
    setup.wait_for("written", "two");
    setup.wait_for("out", "two");
}

#[test]
fn an_append_adds_once_whatever_happens_to_the_agent() {
    let bao = Bao::start();
    bao.put("app", json!({ "a": "one" }));
    let setup = setup(&bao, r#""append,newline""#);
    fs::write(setup.path("written"), "zero\n").unwrap();
    let agent = setup.start();
    setup.wait_for("written", "zero\none\n");
    agent.signal("KILL");
    agent.end();
    fs::write(setup.path("log"), "").unwrap();
    let _agent = setup.start();
    wait("ready", PATIENCE, || setup.run(&["ready"]).status.code() == Some(0));
    assert_eq!(setup.read("written").unwrap(), "zero\none\n");
    bao.put("app", json!({ "a": "two" }));
    setup.wait_for("written", "zero\none\ntwo\n");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_empty() {
    let bao = Bao::start();
    bao.put("app", json!({ "a": "one" }));
    let setup = setup(&bao, r#""append,newline""#);
    // Not even root can read through a link to itself.
    symlink(setup.path("written"), setup.path("written")).unwrap();
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for_log("a file to append to cannot be read; it stays as it is");
    wait("the reason is told", PATIENCE, || {
        let output = setup.run(&["ready"]);
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        output.status.code() == Some(1) && told.contains(&format!("cannot append to {}", setup.text("written")))
    });
    assert!(agent.is_alive());
    assert!(fs::symlink_metadata(setup.path("written")).unwrap().file_type().is_symlink(), "left alone");
    // Prepared aside: the agent must not find it half done.
    fs::write(setup.path("aside"), "zero\n").unwrap();
    fs::rename(setup.path("aside"), setup.path("written")).unwrap();
    setup.wait_for("written", "zero\none\n");
    wait("ready", PATIENCE, || setup.run(&["ready"]).status.code() == Some(0));
}

#[test]
fn a_file_that_cannot_be_written_comes_later_and_is_missed_until_then() {
    let bao = Bao::start();
    bao.put("app", json!({ "a": "one" }));
    let setup = Setup::new(&bao.address(), "root");
    let (path, home) = (setup.text("blocked/written"), setup.text("home"));
    let contents = format!(
        r#"{{{{ with secret "secret/data/app" }}}}{{{{ .Data.data.a }}}}{{{{ .Data.data.a | writeToFile {path:?} "" "" "0640" }}}}{{{{ end }}}}"#
    );
    fs::create_dir(&home).unwrap();
    fs::write(setup.path("blocked"), "a file is in the way").unwrap();
    let setup = setup.template("out", &contents).configure("blinkchamber", json!({ "home": home }));
    let _agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for_log("files cannot be put in place");
    assert_eq!(setup.run(&["ready"]).status.code(), Some(1), "a part is missing");
    fs::remove_file(setup.path("blocked")).unwrap();
    setup.wait_for("blocked/written", "one");
    wait("ready", PATIENCE, || setup.run(&["ready"]).status.code() == Some(0));
}
