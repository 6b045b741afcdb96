use std::{collections::BTreeMap, time::Duration};

use blinkchamber_templates::{Dependency, Json};
use fastrand::Rng;
use tokio::time::Instant;

use super::{Action, Slot, Timing};
use crate::{
    engine::term::{self, Term},
    session::Pace,
};

const MINUTE: Duration = Duration::from_secs(60);

fn timing() -> Timing {
    let pace = Pace { min: Duration::from_millis(250), max: MINUTE };
    Timing { static_interval: Duration::from_secs(30), lease_threshold: 0.9, pace }
}

fn read(path: &str) -> Slot {
    Slot::new(Dependency::Read { path: path.to_owned() }, timing())
}

fn lease(seconds: u64, renewable: bool) -> Term {
    Term::Leased { id: "db/creds/app/1".to_owned(), lease: Duration::from_secs(seconds), renewable }
}

#[track_caller]
fn between(from: Instant, at: Instant, low: f64, high: f64) {
    let after = at.saturating_duration_since(from).as_secs_f64();
    assert!(after >= low - 1e-6 && after <= high + 1e-6, "{after} is not in {low}..{high}");
}

#[test]
fn static_secrets_are_looked_at_around_the_interval() {
    let now = Instant::now();
    for seed in 0..50 {
        let mut slot = read("kv/app");
        let due = slot.fetched(now, Term::Static, None, 1, &mut Rng::with_seed(seed));
        between(now, due, 27.0, 33.0);
        assert_eq!(slot.action, Action::Fetch);
    }
}

#[test]
fn a_version_is_asked_for_before_the_secret_is_read_again() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(1);
    let mut slot = read("secret/app");
    let body = r#"{"data":{"data":{"a":"b"},"metadata":{"version":1}}}"#;
    let term = term::of(&slot.dependency, &Json::parse(body.as_bytes()).unwrap(), 0);
    slot.fetched(now, term, Some("secret/metadata/app".to_owned()), 1, &mut rng);
    assert_eq!(slot.action, Action::Probe);
    between(now, slot.unchanged(now, &mut rng), 27.0, 33.0);
    assert_eq!(slot.action, Action::Probe);
    assert_eq!(slot.must_be_read(now), now);
    assert_eq!(slot.action, Action::Fetch);
}

#[test]
fn a_renewable_lease_is_renewed_and_replaced_before_it_ends() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(1);
    let mut slot = read("database/creds/app");
    let due = slot.fetched(now, lease(60, true), None, 1, &mut rng);
    between(now, due, 42.0, 44.1);
    assert_eq!(slot.action, Action::Renew);
    // max_ttl: the server grants 20 s more, and no renewal fits before the grace window.
    let replace = slot.renewed(due, Duration::from_secs(20), &mut rng);
    assert_eq!(slot.action, Action::Fetch);
    between(due, replace, 8.0, 14.0);
}

#[test]
fn a_failed_renewal_is_tried_again_and_replaces_nothing_before_the_grace_window() {
    let begin = Instant::now();
    let mut rng = Rng::with_seed(2);
    let mut slot = read("database/creds/app");
    let mut due = slot.fetched(begin, lease(600, true), None, 1, &mut rng);
    let mut renewals = 0;
    while slot.action == Action::Renew {
        due = slot.renewal_failed(due, "the server answered 500".to_owned(), None, &mut rng);
        renewals += 1;
    }
    assert!(renewals >= 2, "{renewals}");
    between(begin, due, 480.0, 540.0);
    assert!(slot.held.as_ref().unwrap().lease().is_some(), "the credential stays");
}

#[test]
fn credentials_that_die_at_once_are_replaced_slower_and_slower() {
    let mut now = Instant::now();
    let begin = now;
    let mut rng = Rng::with_seed(3);
    let mut slot = read("database/creds/app");
    let mut issued = 0;
    while now < begin + 10 * MINUTE {
        slot.fetched(now, lease(3600, true), None, 1, &mut rng);
        issued += 1;
        now = slot.lease_is_gone(now, "lease not found".to_owned(), &mut rng);
    }
    assert!(issued < 40, "{issued} credentials in ten minutes");
}

#[test]
fn a_lease_that_cannot_be_renewed_is_replaced_at_its_threshold() {
    let now = Instant::now();
    let mut slot = read("pki/issue/app");
    between(now, slot.fetched(now, lease(100, false), None, 1, &mut Rng::with_seed(1)), 85.0, 95.0);
    between(now, slot.fetched(now, Term::Until(MINUTE), None, 1, &mut Rng::with_seed(1)), 51.0, 57.0);
    assert_eq!(slot.action, Action::Fetch);
}

#[test]
fn nothing_ends_in_a_hot_loop() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(1);
    let mut slot = read("x/y");
    for term in [lease(0, true), lease(0, false), Term::Until(Duration::ZERO), Term::Rotating(None)] {
        between(now, slot.fetched(now, term.clone(), None, 1, &mut rng), 0.9, 33.0);
    }
    between(now, slot.fetched(now, lease(1, true), None, 1, &mut rng), 0.25, 1.0);
    assert!(slot.renewed(now, Duration::ZERO, &mut rng) > now);
}

#[test]
fn a_write_without_a_lease_is_not_repeated_every_interval() {
    let now = Instant::now();
    let write = Dependency::Write { path: "transit/encrypt/k".to_owned(), data: BTreeMap::new() };
    let mut slot = Slot::new(write, timing());
    between(now, slot.fetched(now, Term::Static, None, 1, &mut Rng::with_seed(1)), 270.0, 330.0);
    assert!(!slot.is_static(), "a refresh does not write again");
}

#[test]
fn each_dependency_has_its_own_back_off_and_keeps_what_it_has() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(4);
    let mut slot = read("kv/app");
    slot.fetched(now, Term::Static, None, 1, &mut rng);
    for attempt in 1..=12 {
        let due = slot.failed(now, "the server answered 503".to_owned(), None, &mut rng);
        between(now, due, 0.25, 60.0);
        assert_eq!(slot.failures(), attempt);
    }
    assert!(slot.held.is_some() && slot.error.is_some());
    between(now, slot.failed(now, String::new(), Some(2 * MINUTE), &mut rng), 120.0, 132.0);
    slot.unchanged(now, &mut rng);
    assert!(slot.error.is_none() && slot.failures() == 0);
}

#[test]
fn only_leases_end_with_their_token() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(4);
    let mut slot = read("kv/app");
    slot.fetched(now, Term::Static, None, 1, &mut rng);
    assert!(!slot.is_of_another_token(2));
    slot.fetched(now, lease(60, true), None, 1, &mut rng);
    assert!(slot.is_of_another_token(2) && !slot.is_of_another_token(1));
}
