//! Rotations against a real KV store, with those who read it beside.

use std::collections::BTreeSet;
use std::time::Duration;

use blinkchamber_bootstrap::desired::{Desired, Rotation};
use blinkchamber_bootstrap::rotate::{credential, go_on, rotate};
use blinkchamber_policies::apply::Vault;
use serde_json::{Value, json};

use crate::member::Member;

fn rotation(kind: &str, times: &str) -> Rotation {
    let text = format!(
        "{{owner: o, kv: [secret], kubernetes: {{path: k, host: h, audience: a, tokenTtl: 1m, tokenMaxTtl: 1m}}, \
         rotations: [{{name: it, path: secret/data/x, {kind}, {times}}}]}}"
    );
    Desired::parse(&text).unwrap().rotations.remove(0)
}

fn started() -> Member {
    let mut member = Member::new(&[5; 32]);
    member.start(&member.guard(true));
    let server = member.login();
    server.write("sys/mounts/secret", &json!({"type": "kv", "options": {"version": "2"}})).unwrap();
    member
}

/// The first version of the secret, as soon as the fresh mount takes it.
fn first(server: &Vault, data: Value) {
    while server.write("secret/data/x", &json!({"data": data})).is_err() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn text(data: &Value, key: &str) -> String {
    data[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn every_value_that_a_client_sees_was_known_to_servers_before() {
    let member = started();
    let server = member.login();
    first(&server, json!({"app": "first", "other": "stays"}));
    let never = credential(&server, &rotation("overlap: {key: app}", "settle: 1s")).unwrap();
    let made: jiff::Timestamp = never.created.expect("when the secret was made").parse().unwrap();
    assert!(never.step.is_none() && made <= jiff::Timestamp::now(), "{made}");
    for _ in 0..2 {
        rotate(&server, &rotation("overlap: {key: app}", "settle: 1s, grace: 1s"), &mut drop).unwrap();
    }
    // Whoever reads sees one version after the other.
    let version = |number| server.read(&format!("secret/data/x?version={number}")).unwrap();
    let seen: Vec<_> = (1..).map_while(version).map(|found| found["data"]["data"].clone()).collect();
    let passwords: BTreeSet<_> = seen.iter().map(|data| text(data, "app")).collect();
    assert_eq!((passwords.len(), seen.len()), (3, 7), "the first and two new ones, in six steps: {}", seen.len());
    for pair in seen.windows(2) {
        let known = [text(&pair[0], "app"), text(&pair[0], "app-previous")];
        assert!(known.contains(&text(&pair[1], "app")), "clients never use what servers have not had time to learn");
        assert_eq!(pair[1]["other"], "stays");
    }
    let last = seen.last().unwrap();
    assert!(last.get("app-previous").is_none(), "the replaced one is refused at the end");
    let found = credential(&server, &rotation("overlap: {key: app}", "settle: 1s")).unwrap();
    assert_eq!(found.step.as_deref(), Some("done"));
    assert!(found.last_rotation.is_some() && found.created.is_none());
}

#[test]
fn one_that_broke_off_is_finished_by_the_next_and_by_the_loop() {
    let member = started();
    let server = member.login();
    first(&server, json!({"username": "app_a", "password": "pa", "a": "pa", "b": "pb"}));
    let users = "twins: {users: [{key: a, username: app_a}, {key: b, username: app_b}]}";
    let read = || server.read("secret/data/x").unwrap().unwrap()["data"]["data"].clone();
    // Whoever waits for the grace of an hour is not there any more when it is over.
    let patient = rotation(users, "settle: 1s, grace: 1h");
    let session = member.login();
    let mut said = 0;
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rotate(&session, &patient, &mut |_| {
            said += 1;
            assert!(said < 2, "killed, as a test has it");
        })
    }));
    assert!(killed.is_err());
    let between = read();
    assert_eq!((text(&between, "username"), text(&between, "a")), ("app_b".to_owned(), "pa".to_owned()));
    assert_eq!(between["password"], between["b"], "both users work meanwhile");
    assert!(!go_on(&server, &patient, Duration::ZERO).unwrap(), "not before its time");
    let mut said = Vec::new();
    rotate(&server, &rotation(users, "settle: 1s, grace: 1s"), &mut |line| said.push(line)).unwrap();
    assert!(said[0].contains("going on") && said.len() == 2, "{said:?}");
    let after = read();
    assert_eq!((text(&after, "username"), &after["password"]), ("app_b".to_owned(), &between["password"]));
    assert_ne!(after["a"], between["a"], "the replaced user's password is gone");
    assert!(!go_on(&server, &patient, Duration::ZERO).unwrap(), "nothing is left to be done");
}

#[test]
fn a_write_of_somebody_else_in_between_is_kept() {
    let member = started();
    let server = member.login();
    first(&server, json!({"app": "first"}));
    let kind = rotation("overlap: {key: app}", "settle: 1s, grace: 1s");
    let other = member.login();
    let mut wrote = false;
    let mut meddle = |_: String| {
        if !wrote {
            wrote = true;
            let mut data = other.read("secret/data/x").unwrap().unwrap()["data"]["data"].clone();
            data["theirs"] = json!("kept");
            other.write("secret/data/x", &json!({"data": data})).unwrap();
        }
    };
    rotate(&server, &kind, &mut meddle).unwrap();
    let data = server.read("secret/data/x").unwrap().unwrap()["data"]["data"].clone();
    assert_eq!(data["theirs"], "kept");
    assert_ne!(data["app"], "first");
}
