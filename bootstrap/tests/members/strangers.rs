//! A peer that says it is initialised is believed only when it belongs to our cluster.

use std::fs;

use blinkchamber_bootstrap::guard;
use serde_json::json;

use crate::member::Member;

/// What ordinal 0 with an empty volume does beside this peer.
fn beside(peer: &Member, marker: Option<&str>) -> (Result<(), String>, String) {
    let own = Member::new(&[3; 32]);
    if let Some(id) = marker {
        fs::write(own.path("marker"), id).unwrap();
    }
    let mut options = own.guard(true);
    options.replicas = 2;
    options.timeout = 0;
    // Whatever the peer's name is, it lives here.
    options.peer_address = format!("{}/{{pod}}/..", peer.address);
    let mut out = Vec::new();
    let result = guard::run(&options, &mut out).map_err(|failure| failure.to_string());
    (result, String::from_utf8(out).unwrap())
}

#[test]
fn one_that_began_our_cluster_is_joined_and_one_that_somebody_else_initialised_is_not() {
    let mut ours = Member::new(&[3; 32]);
    ours.start(&ours.guard(true));
    ours.login();
    let id =
        ours.wait("unsealed", |status| status["cluster_id"].is_string())["cluster_id"].as_str().unwrap().to_owned();
    let (result, said) = beside(&ours, None);
    result.unwrap();
    assert!(said.contains("a peer belongs to a cluster: joining it"), "{said}");
    beside(&ours, Some(&id)).0.unwrap();

    // A later cluster of the same key, under our marker.
    let (result, said) = beside(&ours, Some("another-id"));
    assert!(result.unwrap_err().contains("not all of") && said.contains("not ours"), "{said}");

    // Whoever reaches a member before its first start can do this.
    let mut theirs = Member::new(&[3; 32]);
    theirs.start(&theirs.guard(false));
    theirs.wait("there", |status| status["initialized"] == false);
    let body = json!({"recovery_shares": 1, "recovery_threshold": 1});
    theirs.server().write("sys/init", &body).unwrap();
    theirs.wait("unsealed", |status| status["sealed"] == false);
    theirs.wait_for_leader();
    let (result, said) = beside(&theirs, None);
    assert!(result.is_err() && said.contains("look who initialised it"), "{said}");
    assert!(beside(&theirs, Some(&id)).0.is_err());
}

#[test]
fn a_peer_with_another_key_is_no_peer() {
    let mut other = Member::new(&[4; 32]);
    other.start(&other.guard(true));
    other.login();
    let (result, said) = beside(&other, None);
    assert!(result.is_err() && said.contains("waiting for"), "{said}");
}
