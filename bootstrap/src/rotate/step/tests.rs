use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Next, is_under_way, next, record};
use crate::desired::{Desired, Rotation};

fn rotation(kind: &str) -> Rotation {
    let text = format!(
        "{{owner: o, kv: [secret], kubernetes: {{path: k, host: h, audience: a, tokenTtl: 1m, tokenMaxTtl: 1m}}, \
         rotations: [{{name: it, path: secret/data/x, {kind}, settle: 10s, grace: 1m}}]}}"
    );
    Desired::parse(&text).unwrap().rotations.remove(0)
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn text<'a>(data: &'a Map<String, Value>, key: &str) -> &'a str {
    data[key].as_str().unwrap()
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now + SignedDuration::from_secs(seconds)
}

/// Does the step, which must be one.
fn step(rotation: &Rotation, data: &mut Map<String, Value>, now: Timestamp) {
    let first = !is_under_way(rotation, data);
    assert!(matches!(next(rotation, data, now, !first).unwrap(), Next::Write(_)), "{data:?}");
}

#[test]
fn in_place_is_one_step() {
    let rotation = rotation("inPlace: {key: superuser}");
    let mut data = map(json!({"superuser": "old", "other": "stays"}));
    let now = Timestamp::now();
    step(&rotation, &mut data, now);
    assert_eq!((text(&data, "superuser").len(), text(&data, "other")), (40, "stays"));
    assert_eq!(next(&rotation, &mut data, now, true).unwrap(), Next::Done);
    assert_eq!(record(&rotation, &data).unwrap().0, "done");
}

#[test]
fn with_overlap_no_client_meets_a_server_that_does_not_know_its_password() {
    let rotation = rotation("overlap: {key: app}");
    let mut data = map(json!({"app": "old"}));
    let now = Timestamp::now();
    step(&rotation, &mut data, now);
    let new = text(&data, "app-previous").to_owned();
    assert_eq!(text(&data, "app"), "old", "clients go on with what all servers know");
    assert_eq!(next(&rotation, &mut data, later(now, 4), true).unwrap(), Next::Wait(Duration::from_secs(6)));
    step(&rotation, &mut data, later(now, 11));
    assert_eq!((text(&data, "app"), text(&data, "app-previous")), (new.as_str(), "old"));
    assert!(matches!(next(&rotation, &mut data, later(now, 12), true).unwrap(), Next::Wait(_)));
    step(&rotation, &mut data, later(now, 80));
    assert_eq!((text(&data, "app"), data.get("app-previous")), (new.as_str(), None));
    assert_eq!(next(&rotation, &mut data, later(now, 90), true).unwrap(), Next::Done);
}

#[test]
fn twins_take_turns_and_the_replaced_one_is_locked_out() {
    let rotation = rotation("twins: {users: [{key: a, username: app_a}, {key: b, username: app_b}]}");
    let mut data = map(json!({"username": "app_a", "password": "pa", "a": "pa", "b": "pb"}));
    let mut now = Timestamp::now();
    for (user, key, replaced) in [("app_b", "b", "a"), ("app_a", "a", "b")] {
        let before = data.clone();
        step(&rotation, &mut data, now);
        assert_eq!((&data["username"], &data["password"]), (&before["username"], &before["password"]));
        assert_ne!(data[key], before[key], "the idle one has a new password");
        now = later(now, 11);
        step(&rotation, &mut data, now);
        assert_eq!((text(&data, "username"), &data["password"]), (user, &data[key]));
        assert_eq!(data[replaced], before[replaced], "still good for those who are slow");
        now = later(now, 61);
        step(&rotation, &mut data, now);
        assert_ne!(data[replaced], before[replaced]);
        assert_eq!((text(&data, "username"), &data["password"]), (user, &data[key]));
        now = later(now, 1);
    }
}

#[test]
fn whoever_comes_later_goes_on_where_it_broke_off() {
    let rotation = rotation("overlap: {key: app}");
    let mut data = map(json!({"app": "old"}));
    let now = Timestamp::now();
    step(&rotation, &mut data, now);
    let announced = text(&data, "app-previous").to_owned();
    // A second call, which knows nothing of the first, does not make another password.
    let found = next(&rotation, &mut data, later(now, 3600), false).unwrap();
    assert_eq!(found, Next::Write("step 2 of 3: clients use the new password; servers take both"));
    assert_eq!(text(&data, "app"), announced);
}

#[test]
fn a_secret_that_holds_something_else_is_left_alone() {
    let now = Timestamp::now();
    let mut data = map(json!({"username": "someone", "a": "x", "b": "y"}));
    let twins = rotation("twins: {users: [{key: a, username: app_a}, {key: b, username: app_b}]}");
    let failure = next(&twins, &mut data, now, false).unwrap_err().to_string();
    assert!(failure.contains("\"someone\", neither app_a nor app_b"), "{failure}");
    for kind in ["inPlace: {key: none}", "overlap: {key: none}"] {
        let failure = next(&rotation(kind), &mut data, now, false).unwrap_err().to_string();
        assert!(failure.contains("has no key \"none\""), "{failure}");
    }
    assert_eq!(data, map(json!({"username": "someone", "a": "x", "b": "y"})));
}
