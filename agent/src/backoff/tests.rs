use std::time::Duration;

use fastrand::Rng;

use super::Backoff;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn grows_to_its_ceiling_and_never_below_its_floor() {
    let mut rng = Rng::with_seed(7);
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        for attempt in 1..10_u32 {
            let wait = backoff.next(None, &mut rng);
            assert!(wait >= SECOND && wait <= SECOND * 2_u32.pow(attempt).min(60), "attempt {attempt}: {wait:?}");
            longest = longest.max(wait);
        }
    }
    assert!(longest > 50 * SECOND, "jitter uses the whole range: {longest:?}");
}

#[test]
fn success_starts_it_anew() {
    let mut rng = Rng::with_seed(7);
    let mut backoff = Backoff::new(SECOND, 60 * SECOND);
    for _ in 0..20 {
        backoff.next(None, &mut rng);
    }
    assert_eq!(backoff.failures(), 20);
    backoff.reset();
    assert!(backoff.next(None, &mut rng) <= 2 * SECOND);
    assert_eq!(backoff.failures(), 1);
}

#[test]
fn honours_the_servers_wish_within_reason() {
    let mut rng = Rng::with_seed(7);
    let mut backoff = Backoff::new(SECOND, 5 * SECOND);
    let wait = backoff.next(Some(30 * SECOND), &mut rng);
    assert!(wait >= 30 * SECOND && wait <= 33 * SECOND, "{wait:?}");
    assert!(backoff.next(Some(86_400 * SECOND), &mut rng) <= 660 * SECOND);
}

#[test]
fn many_failures_do_not_overflow() {
    let mut rng = Rng::with_seed(7);
    let mut backoff = Backoff::new(Duration::from_millis(250), 60 * SECOND);
    for _ in 0..100 {
        assert!(backoff.next(None, &mut rng) <= 60 * SECOND);
    }
}
