//! Servers that are away, sealed or out of their mind: files stay, errors are clear, recovery is by itself.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    bao::{Bao, pause},
    double::{Asked, Double, Reaction},
    process::Setup,
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;

fn secret(password: &str, version: u64) -> Reaction {
    Reaction::Answer(
        200,
        "",
        json!({ "data": { "data": { "password": password }, "metadata": { "version": version } } }),
    )
}

/// What the server does now; as it should when there is none.
type Mood = Arc<Mutex<Option<fn() -> Reaction>>>;

/// A server that gives `one`, and from then on whatever the returned handle holds.
fn server() -> (Double, Mood) {
    let mood: Mood = Arc::default();
    let current = Arc::clone(&mood);
    let double = Double::start(move |asked: &Asked| match asked.path.as_str() {
        "auth/token/lookup-self" => Reaction::Answer(200, "", json!({ "data": { "ttl": 0, "renewable": false } })),
        "secret/data/app" => match *current.lock().unwrap() {
            Some(react) => react(),
            None => secret("one", 1),
        },
        "secret/metadata/app" => Reaction::Answer(403, "", json!({ "errors": ["permission denied"] })),
        _ => Reaction::Answer(404, "", Value::Null),
    });
    (double, mood)
}

/// What the server does, and what the agent says about it.
type Case = (fn() -> Reaction, &'static str);

#[test]
fn no_bad_answer_touches_the_file() {
    let (server, mood) = server();
    let setup = Setup::new(&server.address(), "t").template("out", PASSWORD);
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    let before = setup.identity("out");
    let moods: [Case; 6] = [
        (|| Reaction::Garbage("this is not HTTP\r\n\r\n"), "cannot talk to the server"),
        (|| Reaction::Half, "the answer is not usable: it broke off"),
        (|| Reaction::Answer(200, "", json!("not what was asked for")), "no secret exists"),
        (|| Reaction::Answer(503, "Retry-After: 1\r\n", json!({ "errors": ["Vault is sealed"] })), "Vault is sealed"),
        (|| Reaction::Answer(429, "", Value::Null), "the server answered 429"),
        (|| Reaction::Silence(Duration::from_secs(1)), "cannot talk to the server"),
    ];
    for (react, told) in moods {
        std::fs::write(setup.path("log"), "").unwrap();
        *mood.lock().unwrap() = Some(react);
        setup.wait_for_log(told);
        assert_eq!(setup.identity("out"), before, "{told}");
        assert!(agent.is_alive());
    }
    *mood.lock().unwrap() = Some(|| secret("two", 2));
    setup.wait_for("out", "two");
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let (server, mood) = server();
    *mood.lock().unwrap() = Some(|| Reaction::Answer(503, "Retry-After: 3\r\n", json!({ "errors": ["later"] })));
    let setup = Setup::new(&server.address(), "t").template("out", PASSWORD);
    let _agent = setup.start();
    setup.wait_for_log("later");
    *mood.lock().unwrap() = None;
    setup.wait_for("out", "one");
    let asked = server.asked("GET", "secret/data/app");
    let wait = asked[1].at.duration_since(asked[0].at);
    assert!(wait >= Duration::from_millis(2990), "{wait:?}");
}

#[test]
fn an_outage_is_waited_for() {
    let mut bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    let before = setup.identity("out");
    bao.stop();
    setup.wait_for_log("cannot talk to the server");
    pause(2.0);
    assert!(agent.is_alive());
    assert_eq!(setup.identity("out"), before);
    let bao = bao.start_again();
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut bao = Bao::start();
    bao.stop();
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let _agent = setup.start();
    setup.wait_for_log("the login failed");
    let bao = bao.start_again();
    bao.put("app", json!({ "password": "one" }));
    setup.wait_for("out", "one");
}

#[test]
fn a_sealed_server_is_waited_for() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    let before = setup.identity("out");
    let key = bao.unseal_key();
    bao.ask("PUT", "sys/seal", json!({}));
    setup.wait_for_log("sealed");
    pause(1.0);
    assert!(agent.is_alive());
    assert_eq!(setup.identity("out"), before);
    bao.ask("PUT", "sys/unseal", json!({ "key": key }));
    bao.put_when_up("app", &json!({ "password": "two" }));
    setup.wait_for("out", "two");
}
