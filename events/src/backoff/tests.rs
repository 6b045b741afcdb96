use super::*;

#[test]
fn pauses_grow_stay_within_bounds_and_begin_anew() {
    let mut backoff = Backoff::default();
    let pauses: Vec<_> = (0..100).map(|_| backoff.next()).collect();
    assert!((FIRST / 2..=FIRST).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| (LONGEST / 2..=LONGEST).contains(pause)), "{pauses:?}");
    assert_eq!(backoff.failures(), 100);
    backoff.reset();
    assert!(backoff.next() <= FIRST);
}
