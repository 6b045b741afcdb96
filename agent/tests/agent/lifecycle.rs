//! Begin, end, and what happens between: modes, signals, exit codes.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use blinkchamber_test_tools::free_port;
use serde_json::json;

use crate::{
    bao::{Bao, pause},
    process::Setup,
};

const PASSWORD: &str = r#"{{ with secret "secret/app" }}{{ .Data.data.password }}{{ end }}"#;

#[test]
fn init_mode_ends_when_everything_is_in_place() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD).configure("exit_after_auth", json!(true));
    let output = setup.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(setup.read("out").as_deref(), Some("one"));
}

#[test]
fn init_mode_ends_with_an_error_that_says_what_is_wrong() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let strict = json!({ "exit_on_retry_failure": true });
    let setup = Setup::new(&bao.address(), "root")
        .template("out", r#"{{ with secret "secret/app" }}{{ .Data.data.x.y }}{{ end }}"#)
        .configure("template_config", strict)
        .configure("exit_after_auth", json!(true));
    let output = setup.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&setup.text("out")) && !told.contains("one"), "{told}");
    assert_eq!(setup.read("out"), None);

    let setup = Setup::new("http://127.0.0.1:1", "root").configure("exit_after_auth", json!(true));
    let mut auth = setup.config["auto_auth"].clone();
    auth["method"]["exit_on_err"] = json!(true);
    let output = setup.configure("auto_auth", auth).run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_killed_agent_comes_back_without_writing_again() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let mut templates = setup.config["template"].clone();
    templates[0]["command"] = json!(format!("touch {}", setup.text("reloaded")));
    let setup = setup.configure("template", templates);
    let agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for("reloaded", "");
    let before = setup.identity("out");
    agent.signal("KILL");
    assert!(!agent.end().success());
    fs::remove_file(setup.path("reloaded")).unwrap();
    let mut again = setup.start();
    pause(2.5);
    assert!(again.is_alive());
    assert_eq!(setup.identity("out"), before);
    assert!(setup.read("reloaded").is_none(), "equal bytes reload nothing");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    setup.wait_for("reloaded", "");
}

#[test]
fn a_hangup_applies_the_difference() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let mut setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    let before = setup.identity("out");

    fs::write(setup.path("config.json"), "{ not a configuration").unwrap();
    agent.signal("HUP");
    setup.wait_for_log("the new configuration cannot be used; the old one stays");
    assert!(agent.is_alive());

    setup = setup.template("more", &format!("more {PASSWORD}"));
    setup.write_config();
    agent.signal("HUP");
    setup.wait_for("more", "more one");
    assert_eq!(setup.identity("out"), before, "what stays the same is left alone");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    setup.wait_for("more", "more two");
}

#[test]
fn the_end_gives_back_what_was_obtained() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let ids = bao.app_role(r#"path "secret/*" { capabilities = ["read"] }"#, json!({ "token_ttl": "1h" }));
    let setup = Setup::app_role(&bao.address(), &ids).template("out", PASSWORD);
    let mut auth = setup.config["auto_auth"].clone();
    auth["sink"] = json!([{ "type": "file", "config": { "path": setup.text("sink") } }]);
    let pid_file = setup.text("pid");
    let setup = setup
        .configure("auto_auth", auth)
        .configure("pid_file", json!(pid_file))
        .configure("blinkchamber", json!({ "revoke_on_exit": true, "revoke_grace": "1s" }));
    let agent = setup.start();
    setup.wait_for("out", "one");
    assert!(setup.read("pid").is_some());
    let token = setup.read("sink").unwrap();
    let lookup = || bao.try_ask("POST", "auth/token/lookup", &json!({ "token": token })).0;
    assert_eq!(lookup(), 200);
    agent.signal("TERM");
    pause(0.3);
    assert_eq!(lookup(), 200, "the application has its grace");
    assert_eq!(agent.end().code(), Some(0));
    assert!(lookup() >= 400, "the token is gone");
    assert_eq!(setup.read("pid"), None);
    assert_eq!(setup.read("out").as_deref(), Some("one"), "files stay");
}

#[test]
fn bad_input_says_where_what_and_how() {
    let setup = Setup::new("http://127.0.0.1:1", "t");
    let usage = setup.run(&["-nonsense"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&usage.stderr).contains("-nonsense: not a flag"));
    let mut broken = Setup::new("http://127.0.0.1:1", "t");
    broken = broken.configure("auto_auth", json!({ "method": { "type": "ldap", "config": {} } }));
    let output = broken.run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("auto_auth.method.type") && told.contains("kubernetes"), "{told}");
    assert_eq!(setup.run(&["version"]).status.code(), Some(0));
}

#[test]
fn a_closed_standard_error_stops_nothing() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    setup.write_config();
    let line = format!("exec {} -config={} 2>&-", env!("CARGO_BIN_EXE_blinkchamber-agent"), setup.text("config.json"));
    let mut child = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).spawn().unwrap();
    setup.wait_for("out", "one");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn metrics_are_there_when_asked_for() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let address = format!("127.0.0.1:{}", free_port());
    let setup = Setup::new(&bao.address(), "root")
        .template("out", PASSWORD)
        .configure("blinkchamber", json!({ "metrics_address": address }));
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let text = get("/metrics");
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("\nblinkchamber_agent_ready 1\n"), "{text}");
    assert!(get("/").starts_with("HTTP/1.1 404"));
    assert!(!text.contains("one\n"), "no secret");
}

#[test]
fn the_running_agent_answers_its_own_program() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root")
        .template("out", PASSWORD)
        .template("late", r#"{{ with secret "secret/late" }}{{ .Data.data.password }}{{ end }}"#)
        .configure("template_config", json!({ "static_secret_render_interval": "1h" }));
    let home = setup.text("home");
    fs::create_dir(&home).unwrap();
    let setup = setup.configure("blinkchamber", json!({ "home": home }));
    assert_eq!(setup.run(&["ready"]).status.code(), Some(3), "nobody is there");
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let told = |arguments: &[&str]| {
        let output = setup.run(arguments);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = told(&["ready"]);
    assert!(code == Some(1) && text.contains("1 of 2 files are missing") && text.contains("late"), "{text}");
    bao.put("late", json!({ "password": "here" }));
    bao.put("app", json!({ "password": "two" }));
    let (code, text) = told(&["refresh"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(setup.read("out").as_deref(), Some("two"), "in place when the answer comes");
    assert_eq!(setup.read("late").as_deref(), Some("here"));
    assert_eq!(told(&["ready"]).0, Some(0));
    let (code, text) = told(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!((&status["ready"], &status["templates"][0]["state"]), (&json!(true), &json!("rendered")));
    assert!(!text.contains("\"two\"") && !text.contains("root"), "no secret: {text}");
}

#[test]
fn a_file_that_cannot_be_written_keeps_no_other_waiting_and_comes_later() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root")
        .template("blocked/out", PASSWORD)
        .template("sub/../refused", PASSWORD)
        .template("out", PASSWORD);
    fs::write(setup.path("blocked"), "a file is in the way").unwrap();
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for_log("files cannot be put in place");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    assert!(agent.is_alive() && setup.read("refused").is_none());
    let log = setup.log();
    assert!(log.contains("contains `..`; write the path without it"), "{log}");
    fs::remove_file(setup.path("blocked")).unwrap();
    setup.wait_for("blocked/out", "two");
}
