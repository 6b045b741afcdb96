use proptest::prelude::*;

use super::*;
use crate::event::Payload;

const OVERLAP: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits { overlap: OVERLAP, gap_wait: Duration::from_secs(5) };

fn event(aggregate: &str, sequence: i64, created_at: i64) -> Event {
    let key = Key { instance: "i".into(), aggregate_type: "t".into(), aggregate_id: aggregate.into(), sequence };
    let (kind, text) = ("k".to_owned(), String::new());
    Event { key, kind, created_at: Moment(created_at), owner: text.clone(), editor: text, payload: Payload::None }
}

/// All that there is, as a source answers that has no more.
fn page(events: Vec<Event>, now: i64) -> Page {
    let covered = events.iter().map(|event| event.created_at).max().unwrap_or(Moment(0));
    Page { events, malformed: Vec::new(), covered, next: None, now: Some(Moment(now)) }
}

fn names(events: &[Event]) -> Vec<(String, i64)> {
    events.iter().map(|event| (event.key.aggregate_id.clone(), event.key.sequence)).collect()
}

#[test]
fn nothing_is_handed_out_twice_and_a_late_commit_is_found_by_the_sweep() {
    let second = 1_000_000;
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let start = Instant::now();
    let (fresh, _) =
        tracker.take(page(vec![event("a", 1, 100 * second), event("b", 1, 101 * second)], 101 * second), start);
    assert_eq!(names(&fresh), [("a".into(), 1), ("b".into(), 1)]);
    assert_eq!(tracker.position(start).from, Moment(101 * second), "goes on at the edge");
    assert_eq!(tracker.settled(), Moment(91 * second));
    let later = start + OVERLAP / SWEEPS;
    assert_eq!(tracker.position(later).from, Moment(91 * second + 1), "and sweeps from what is settled");
    let again = page(
        vec![event("a", 1, 100 * second), event("c", 1, 100 * second + 5), event("b", 1, 101 * second)],
        104 * second,
    );
    assert_eq!(names(&tracker.take(again, later).0), [("c".into(), 1)]);
    assert_eq!(tracker.counts.duplicates, 2);
}

#[test]
fn a_backlog_is_read_once_and_remembered_not_at_all() {
    let hour = 3_600_000_000;
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    for number in 1..=50 {
        let next = Some(Position { from: Moment(number * 1000 + 1), after: None });
        let page = Page { next, ..page(vec![event("a", number, number * 1000)], hour) };
        assert_eq!(tracker.take(page, Instant::now()).0.len(), 1);
        assert_eq!(tracker.settled(), Moment(number * 1000));
    }
}

#[test]
fn an_event_waits_for_the_one_before_it() {
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let start = Instant::now();
    assert_eq!(tracker.take(page(vec![event("a", 1, 1)], 1), start).0.len(), 1);
    let (fresh, _) = tracker.take(page(vec![event("a", 3, 30), event("b", 7, 40)], 40), start);
    assert_eq!(names(&fresh), [("b".into(), 7)], "nothing is known of b, so it need not wait");
    assert_eq!(tracker.settled(), Moment(0), "what is held is not settled");
    assert_eq!(tracker.position(start).from, Moment(1), "a sweep at once");
    let (fresh, _) = tracker.take(page(vec![event("a", 2, 20), event("a", 3, 30)], 40), start);
    assert_eq!(names(&fresh), [("a".into(), 2), ("a".into(), 3)]);
    assert_eq!(tracker.counts.gaps, 0);
}

#[test]
fn an_aggregate_goes_on_in_its_order_whatever_its_dates_are() {
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let dated = vec![event("a", 7, 10), event("b", 1, 11), event("a", 6, 12), event("a", 8, 13)];
    let expected = [("a", 6), ("b", 1), ("a", 7), ("a", 8)].map(|(name, sequence)| (name.to_owned(), sequence));
    assert_eq!(names(&tracker.take(page(dated, 20), Instant::now()).0), expected);
}

#[test]
fn a_gap_that_stays_is_counted_and_passed() {
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let start = Instant::now();
    tracker.take(page(vec![event("a", 1, 1)], 1), start);
    assert!(tracker.take(page(vec![event("a", 5, 50), event("a", 6, 60)], 60), start).0.is_empty());
    let (fresh, _) = tracker.take(page(vec![], 60), start + LIMITS.gap_wait);
    assert_eq!(names(&fresh), [("a".into(), 5), ("a".into(), 6)]);
    assert_eq!((tracker.counts.gaps, tracker.held()), (3, 0));
}

#[test]
fn an_event_of_the_future_does_not_hide_those_of_today() {
    let year = 365 * 86_400_000_000;
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let start = Instant::now();
    let (fresh, _) = tracker.take(page(vec![event("a", 1, 1000), event("x", 1, year)], 1000), start);
    assert_eq!(fresh.len(), 2);
    assert_eq!(tracker.counts.future, 1);
    assert_eq!(tracker.position(start).from, Moment(1000));
    let (fresh, _) = tracker.take(page(vec![event("b", 1, 2000), event("x", 1, year)], 2000), start);
    assert_eq!(names(&fresh), [("b".into(), 1)]);
}

#[test]
fn a_clock_that_went_back_is_followed() {
    let second = 1_000_000;
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let start = Instant::now();
    tracker.take(page(vec![event("a", 1, 100 * second)], 100 * second), start);
    let (fresh, _) = tracker.take(page(vec![], 95 * second), start);
    assert!(fresh.is_empty());
    assert_eq!((tracker.position(start).from, tracker.counts.clock_back), (Moment(93 * second), 1));
    let (fresh, _) = tracker.take(page(vec![event("a", 2, 95 * second)], 96 * second), start);
    assert_eq!(names(&fresh), [("a".into(), 2)]);
}

#[test]
fn more_within_the_overlap_than_is_remembered_shortens_it() {
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let events = (1..=200_500).map(|number| event("a", number, number)).collect();
    assert_eq!(tracker.take(page(events, 200_500), Instant::now()).0.len(), 200_500);
    assert_eq!((tracker.settled(), tracker.counts.shortened), (Moment(500), 1));
}

#[test]
fn what_redis_remembers_is_not_handed_out_again() {
    let known = event("a", 1, 100);
    let mut tracker = Tracker::new(LIMITS, Moment(50), [(known.created_at, known.key.mark())]);
    assert_eq!(tracker.position(Instant::now()).from, Moment(51));
    assert_eq!(names(&tracker.take(page(vec![known, event("a", 2, 200)], 200), Instant::now()).0), [("a".into(), 2)]);
}

#[test]
fn a_malformed_event_is_told_of_once() {
    let mut tracker = Tracker::new(LIMITS, Moment(0), []);
    let bad = || Malformed { reason: "no type".into(), known: String::new(), mark: 1, created_at: Some(Moment(5)) };
    for expected in [1, 0] {
        let page = Page { malformed: vec![bad()], ..page(vec![event("a", 1, 9)], 10) };
        assert_eq!(tracker.take(page, Instant::now()).1.len(), expected);
    }
}

proptest! {
    /// Commits that come up to an overlap late, in any order, reach the other side once, each aggregate in order. Of an
    /// aggregate of which nothing is known yet, the source's holding back has to see to the order: here the first is in time.
    #[test]
    fn all_arrive_once_and_in_order(
        commits in prop::collection::vec((0..4_u8, 0..8_000_i64), 1..60),
        step in 300..2000_i64,
    ) {
        let millis = 1000;
        // An aggregate's events are created and committed in turn; different aggregates overtake each other.
        let mut last = [(0_i64, 0_i64); 4];
        let mut all = Vec::new();
        for (index, (aggregate, late)) in commits.iter().enumerate() {
            let (sequence, committed) = &mut last[usize::from(*aggregate)];
            let created = (i64::try_from(index).expect("small") * 100).max(*committed);
            *sequence += 1;
            *committed = created + if *sequence == 1 { 0 } else { *late };
            all.push((aggregate.to_string(), *sequence, 1_000_000 + created * millis, 1_000_000 + *committed * millis));
        }
        let mut tracker = Tracker::new(LIMITS, Moment(0), []);
        let (start, mut got) = (Instant::now(), Vec::new());
        let end = all.iter().map(|commit| commit.3).max().unwrap_or_default() + 30_000_000;
        let mut clock = 1_000_000;
        while clock < end {
            clock += step * millis;
            let at = start + Duration::from_micros(u64::try_from(clock).expect("positive"));
            let from = tracker.position(at).from;
            let mut seen: Vec<_> = all.iter().filter(|commit| commit.3 <= clock && commit.2 >= from.0).collect();
            seen.sort_by_key(|commit| (commit.2, commit.0.clone(), commit.1));
            let events = seen.into_iter().map(|(aggregate, sequence, created, _)| event(aggregate, *sequence, *created));
            got.extend(names(&tracker.take(page(events.collect(), clock), at).0));
        }
        prop_assert_eq!(got.len(), all.len());
        for aggregate in 0..4_u8 {
            let of = got.iter().filter(|(name, _)| *name == aggregate.to_string()).map(|(_, sequence)| *sequence);
            let count = i64::try_from(all.iter().filter(|commit| commit.0 == aggregate.to_string()).count()).expect("small");
            prop_assert_eq!(of.collect::<Vec<_>>(), (1..=count).collect::<Vec<_>>());
        }
    }
}
