//! Secrets that nobody leases: seen when they change, left alone when they do not.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::{
    bao::{Bao, pause},
    process::Setup,
};

const READ_ALL: &str =
    r#"path "secret/*" { capabilities = ["read", "list"] } path "kv1/*" { capabilities = ["read"] }"#;

fn password(path: &str) -> String {
    format!(r#"{{{{ with secret "{path}" }}}}password={{{{ .Data.data.password }}}}{{{{ end }}}}"#)
}

#[test]
fn a_changed_secret_changes_its_file_and_no_other() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    bao.put("other", json!({ "password": "still" }));
    let token = bao.token(READ_ALL, json!({}));
    let setup = Setup::new(&bao.address(), &token)
        .template("short", &password("secret/app"))
        .template("long", &password("secret/data/app"))
        .template("other", &password("secret/other"));
    let _agent = setup.start();
    for (name, content) in [("short", "password=one"), ("long", "password=one"), ("other", "password=still")] {
        setup.wait_for(name, content);
    }
    let mode = std::fs::metadata(setup.path("short")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let other = setup.identity("other");
    for version in ["two", "three"] {
        bao.put("app", json!({ "password": version }));
        setup.wait_for("short", &format!("password={version}"));
        setup.wait_for("long", &format!("password={version}"));
    }
    assert_eq!(setup.identity("other"), other, "not written again");
}

#[test]
fn kv_1_is_looked_at_whatever_duration_it_claims() {
    let bao = Bao::start();
    bao.ask("POST", "sys/mounts/kv1", json!({ "type": "kv", "options": { "version": "1" } }));
    bao.ask("PUT", "kv1/app", json!({ "password": "one" }));
    let token = bao.token(READ_ALL, json!({}));
    let setup = Setup::new(&bao.address(), &token)
        .template("out", r#"{{ with secret "kv1/app" }}{{ .Data.password }}{{ end }}"#);
    let _agent = setup.start();
    setup.wait_for("out", "one");
    bao.ask("PUT", "kv1/app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
}

#[test]
fn a_policy_that_hides_metadata_is_enough() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let token = bao.token(r#"path "secret/data/app" { capabilities = ["read"] }"#, json!({}));
    let setup = Setup::new(&bao.address(), &token).template("out", &password("secret/app"));
    let _agent = setup.start();
    setup.wait_for("out", "password=one");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "password=two");
}

#[test]
fn a_deleted_secret_leaves_its_file_until_there_is_another() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", &password("secret/app"));
    let _agent = setup.start();
    setup.wait_for("out", "password=one");
    let before = setup.identity("out");
    bao.ask("DELETE", "secret/data/app", Value::Null);
    setup.wait_for_log("no secret exists at secret/data/app");
    pause(1.5);
    assert_eq!(setup.identity("out"), before);
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "password=two");
}

#[test]
fn what_fails_blocks_nothing_else() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let token = bao.token(r#"path "secret/data/app" { capabilities = ["read"] }"#, json!({}));
    let setup = Setup::new(&bao.address(), &token)
        .template("forbidden", &password("secret/data/forbidden"))
        .template("broken", "{{ .Data | nonsense }}")
        .template("out", &password("secret/data/app"));
    let _agent = setup.start();
    setup.wait_for("out", "password=one");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "password=two");
    assert_eq!((setup.read("forbidden"), setup.read("broken")), (None, None));
    let log = setup.log();
    assert!(log.contains("GET secret/data/forbidden: the server answered 403"), "{log}");
    assert!(log.contains("nonsense"), "the template's error is told: {log}");
    assert!(!log.contains("password=") && !log.contains("one\""), "no secret in the log: {log}");
}

#[test]
fn a_secret_that_comes_later_is_waited_for() {
    let bao = Bao::start();
    let setup = Setup::new(&bao.address(), "root").template("out", &password("secret/later"));
    let _agent = setup.start();
    setup.wait_for_log("no secret exists at secret/data/later");
    bao.put("later", json!({ "password": "here" }));
    setup.wait_for("out", "password=here");
}

#[test]
fn a_refresh_looks_at_once() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root")
        .template("out", &password("secret/app"))
        .configure("template_config", json!({ "static_secret_render_interval": "1h" }));
    let agent = setup.start();
    setup.wait_for("out", "password=one");
    bao.put("app", json!({ "password": "two" }));
    pause(0.5);
    assert_eq!(setup.read("out").as_deref(), Some("password=one"), "the interval is an hour");
    agent.signal("USR1");
    setup.wait_for("out", "password=two");
}
