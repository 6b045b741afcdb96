use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::{Renewal, Step};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[track_caller]
fn between(from: Instant, at: Instant, low: f64, high: f64) {
    let after = at.saturating_duration_since(from).as_secs_f64();
    assert!(after >= low - 1e-6 && after <= high + 1e-6, "{after} is not in {low}..{high}");
}

#[test]
fn a_fresh_lease_is_renewed_at_70_to_73_percent() {
    let now = Instant::now();
    for seed in 0..100 {
        let renewal = Renewal::begin(now, seconds(100.0), true, &mut Rng::with_seed(seed));
        let Step::Renew(at) = renewal.step() else { panic!("must be renewed") };
        between(now, at, 70.0, 73.4);
    }
}

#[test]
fn what_cannot_be_renewed_is_replaced_in_time() {
    let now = Instant::now();
    let renewal = Renewal::begin(now, seconds(20.0), false, &mut Rng::with_seed(1));
    let Step::Replace(at) = renewal.step() else { panic!("must be replaced") };
    between(now, at, 14.0, 14.7);

    let renewal = Renewal::fixed(now, seconds(20.0), 0.9, &mut Rng::with_seed(1));
    let Step::Replace(at) = renewal.step() else { panic!("must be replaced") };
    between(now, at, 17.0, 19.0);
}

#[test]
fn at_its_maximum_it_is_used_until_the_grace_window() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(3);
    let mut renewal = Renewal::begin(now, seconds(60.0), true, &mut rng);
    let first = renewal.step().at();
    // max_ttl 100 s: the server grants what is left of it.
    let left = now + seconds(100.0) - first;
    renewal.renewed(first, left, &mut rng);
    let second = renewal.step().at();
    let left = now + seconds(100.0) - second;
    renewal.renewed(second, left, &mut rng);
    let Step::Replace(at) = renewal.step() else { panic!("no renewal fits before the grace window") };
    between(now, at, 88.0, 94.0);
    between(now, renewal.expires(), 100.0, 100.0);
}

#[test]
fn failing_renewals_never_replace_before_the_grace_window() {
    let now = Instant::now();
    for seed in 0..50 {
        let mut rng = Rng::with_seed(seed);
        let mut renewal = Renewal::begin(now, seconds(600.0), true, &mut rng);
        let mut tries = 0;
        while let Step::Renew(at) = renewal.step() {
            renewal.failed(at, None, &mut rng);
            tries += 1;
        }
        between(now, renewal.step().at(), 480.0, 540.0);
        assert!((2..8).contains(&tries), "{tries} tries");
    }
}

#[test]
fn a_renewal_after_failures_goes_back_to_the_normal_pace() {
    let now = Instant::now();
    let mut rng = Rng::with_seed(5);
    let mut renewal = Renewal::begin(now, seconds(600.0), true, &mut rng);
    let at = renewal.step().at();
    renewal.failed(at, None, &mut rng);
    let again = renewal.step().at();
    assert!(again > at, "a minimum wait");
    renewal.renewed(again, seconds(600.0), &mut rng);
    let Step::Renew(next) = renewal.step() else { panic!("must be renewed") };
    between(again, next, 420.0, 440.4);
}
