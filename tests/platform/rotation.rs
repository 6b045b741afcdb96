//! (c) Every credential that has a name is replaced by its command, while clients of all parts work.

use blinkchamber_tests::cluster::deploy;
use blinkchamber_tests::load::Session;
use serde_json::Value;

use crate::{postgres, redis};

#[test]
fn every_credential_is_replaced_by_its_command_and_no_client_notices() {
    let names = credentials();
    for expected in [
        "postgresql-superuser",
        "postgresql-replication",
        "pgpool-health",
        "redis-admin",
        "redis-sentinel",
        "redis-zitadel",
    ] {
        assert!(names.iter().any(|(name, _)| name == expected), "{expected} is missing: {names:?}");
    }
    let (servers, queues) = (postgres::Clients::start(), redis::Clients::start(&[Session::Kept, Session::Fresh]));
    // All at once: several of them lie in one secret, and none may wait for another.
    std::thread::scope(|scope| {
        let rotations = names.iter().map(|(name, _)| (name, scope.spawn(move || deploy(&["rotate", name]))));
        for (name, rotation) in rotations.collect::<Vec<_>>() {
            let (ok, said) = rotation.join().expect("deploy-umbrella.sh is run");
            assert!(ok, "rotate {name}: {said}");
        }
    });
    servers.go_on("rows after the rotations");
    queues.go_on("writes after the rotations");
    assert_eq!(servers.finish("every credential replaced"), [0, 0], "PostgreSQL's clients saw nothing");
    for report in queues.finish("every credential replaced") {
        assert_eq!(report.seen.failures(), 0, "Redis's clients saw nothing: {:?}", report.seen.errors);
    }
    for ((name, before), (_, after)) in names.iter().zip(credentials()) {
        assert!(after.is_string() && after != *before, "{name}: last rotation {before}, then {after}");
    }
}

/// Name and time of the last rotation of each.
fn credentials() -> Vec<(String, Value)> {
    let (ok, text) = deploy(&["rotate", "--json"]);
    assert!(ok, "{text}");
    let list: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let all = list.as_array().expect("a list").iter();
    all.map(|one| (one["name"].as_str().expect("a name").to_owned(), one["lastRotation"].clone())).collect()
}
