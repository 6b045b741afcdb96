//! Where reading is: which events were seen, which moment is settled, and in which order events go on.
//!
//! A value with no I/O. Two moments rule it:
//! * the *edge*: reading has come this far;
//! * the *settled* moment: everything up to it was read at a time when nothing could be added any more, because it was
//!   longer ago than the overlap, by the source's own clock. What is remembered is what lies after it.
//!
//! At the edge reading goes on from the edge, and from time to time (a sweep) once more from the settled moment, which
//! finds commits that came late. While there is a backlog, the settled moment follows the edge and nothing is read twice.

mod aggregates;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event::{Event, Key, Malformed, Moment};
use crate::track::aggregates::{Aggregates, Step};
use crate::track::window::Window;

/// From where a source reads: from a moment, which is part of it, or after a key of that moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Position {
    pub(crate) from: Moment,
    pub(crate) after: Option<Key>,
}

/// What a source answered.
pub(crate) struct Page {
    /// In the order of their creation.
    pub(crate) events: Vec<Event>,
    pub(crate) malformed: Vec<Malformed>,
    /// Nothing between the position asked for and this moment is missing that could be seen.
    pub(crate) covered: Moment,
    /// Where to go on at once; none when all was read that there is.
    pub(crate) next: Option<Position>,
    /// The source's clock, when it told.
    pub(crate) now: Option<Moment>,
}

/// Limits of a tracker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) overlap: Duration,
    pub(crate) gap_wait: Duration,
}

/// Events that wait for an earlier one of their aggregate.
const HELD: usize = 10_000;

/// Where reading is.
pub(crate) struct Tracker {
    limits: Limits,
    settled: Moment,
    edge: Moment,
    position: Position,
    /// Since `settled`, without a hole.
    contiguous: bool,
    at_edge: bool,
    window: Window,
    aggregates: Aggregates,
    held: VecDeque<(Instant, Event)>,
    next_sweep: Option<Instant>,
    pub(crate) counts: Counts,
}

/// What happened since they were taken.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) duplicates: u64,
    /// Events that came although a later one of their aggregate was there.
    pub(crate) late: u64,
    /// Sequences that were never seen.
    pub(crate) gaps: u64,
    /// Events dated after the source's own clock.
    pub(crate) future: u64,
    /// Times that more happened within the overlap than is remembered.
    pub(crate) shortened: u64,
    /// Times that the source's clock was behind what it had written.
    pub(crate) clock_back: u64,
}

impl Tracker {
    /// Goes on where a state of Redis ended.
    pub(crate) fn new(limits: Limits, settled: Moment, marks: impl IntoIterator<Item = (Moment, u64)>) -> Self {
        let mut window = Window::default();
        for (created_at, mark) in marks {
            window.insert(created_at, mark);
        }
        Self {
            limits,
            settled,
            edge: settled,
            position: Position { from: settled.next(), after: None },
            contiguous: true,
            at_edge: false,
            window,
            aggregates: Aggregates::default(),
            held: VecDeque::new(),
            next_sweep: None,
            counts: Counts::default(),
        }
    }

    /// Where to read next.
    pub(crate) fn position(&mut self, now: Instant) -> &Position {
        let waits = !self.held.is_empty();
        if self.at_edge && (waits || self.next_sweep.is_some_and(|due| due <= now)) {
            self.position = Position { from: self.settled.next(), after: None };
            self.contiguous = true;
            self.at_edge = false;
        }
        &self.position
    }

    /// Takes a page; gives what is new, each aggregate in its order, and malformed events that were not seen before.
    pub(crate) fn take(&mut self, page: Page, now: Instant) -> (Vec<Event>, Vec<Malformed>) {
        let mut fresh = Vec::with_capacity(page.events.len());
        let mut latest = self.edge;
        for event in in_order(page.events) {
            if event.created_at <= self.settled || !self.window.insert(event.created_at, event.key.mark()) {
                self.counts.duplicates += 1;
                continue;
            }
            if page.now.is_some_and(|now| event.created_at > now.plus(FUTURE)) {
                self.counts.future += 1;
            } else {
                latest = latest.max(event.created_at);
            }
            self.order(event, now, &mut fresh);
        }
        let malformed = page.malformed.into_iter().filter(|bad| {
            let moment = bad.created_at.unwrap_or(page.covered);
            moment > self.settled && self.window.insert(moment, bad.mark)
        });
        let malformed = malformed.collect();
        self.edge = latest;
        self.settle(page.covered, page.now);
        self.go_on(page.next, page.now, now);
        self.let_go(now, &mut fresh);
        (fresh, malformed)
    }

    /// Everything up to it has been handed out, but for what is held back.
    pub(crate) fn settled(&self) -> Moment {
        let held = self.held.iter().map(|(_, event)| event.created_at.previous()).min();
        held.map_or(self.settled, |held| held.min(self.settled))
    }

    /// Whether everything was read that there was at the last look.
    pub(crate) fn is_at_edge(&self) -> bool {
        self.at_edge
    }

    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Hands out or holds back.
    fn order(&mut self, event: Event, now: Instant, fresh: &mut Vec<Event>) {
        match self.aggregates.step(event.key.aggregate_mark(), event.key.sequence) {
            Step::Next => fresh.push(event),
            Step::Late => {
                self.counts.late += 1;
                fresh.push(event);
            }
            Step::Gap if self.held.len() < HELD => self.held.push_back((now, event)),
            Step::Gap => self.skip(event, fresh),
        }
    }

    /// Hands out those whose predecessor has come, and those that have waited long enough.
    fn let_go(&mut self, now: Instant, fresh: &mut Vec<Event>) {
        if self.held.is_empty() {
            return;
        }
        self.held.make_contiguous().sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        for (since, event) in std::mem::take(&mut self.held) {
            match self.aggregates.step(event.key.aggregate_mark(), event.key.sequence) {
                Step::Gap if now.saturating_duration_since(since) < self.limits.gap_wait => {
                    self.held.push_back((since, event));
                }
                Step::Gap => self.skip(event, fresh),
                Step::Next | Step::Late => fresh.push(event),
            }
        }
    }

    /// Hands out an event whose predecessors will not come.
    fn skip(&mut self, event: Event, fresh: &mut Vec<Event>) {
        let missing = self.aggregates.jump(event.key.aggregate_mark(), event.key.sequence);
        self.counts.gaps += missing;
        fresh.push(event);
    }

    fn settle(&mut self, covered: Moment, now: Option<Moment>) {
        if self.contiguous {
            // Without a clock of the source, the youngest event tells that it is at least so late.
            let certain = now.unwrap_or(self.edge).minus(self.limits.overlap);
            self.settled = self.settled.max(covered.min(certain));
        }
        self.window.forget(self.settled);
        if let Some(oldest) = self.window.shorten() {
            self.counts.shortened += 1;
            self.settled = self.settled.max(oldest);
        }
    }

    fn go_on(&mut self, next: Option<Position>, clock: Option<Moment>, now: Instant) {
        if let Some(next) = next {
            self.position = next;
            self.at_edge = false;
            return;
        }
        if self.contiguous {
            self.next_sweep = Some(now + self.limits.overlap / SWEEPS);
        }
        self.contiguous = false;
        self.at_edge = true;
        let behind = clock.filter(|clock| clock.plus(CLOCK) < self.edge);
        if behind.is_some() {
            self.counts.clock_back += 1;
        }
        let from = behind.map_or(self.edge, |clock| clock.minus(CLOCK));
        self.position = Position { from: from.max(self.settled.next()), after: None };
    }
}

/// Puts events of an aggregate into the order of their sequence, at the places they have together: a clock that went back
/// has dated a later one earlier.
fn in_order(events: Vec<Event>) -> Vec<Event> {
    let mut places: Vec<_> = events
        .iter()
        .enumerate()
        .map(|(place, event)| (event.key.aggregate_mark(), event.key.sequence, place))
        .collect();
    places.sort_unstable_by_key(|(aggregate, _, place)| (*aggregate, *place));
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if sorted == places {
        return events;
    }
    // The one at `from` goes to `to`.
    let mut moves: Vec<_> = sorted.iter().zip(&places).map(|((_, _, from), (_, _, to))| (*from, *to)).collect();
    moves.sort_unstable();
    let mut moved: Vec<_> = events.into_iter().zip(moves).map(|(event, (_, to))| (to, event)).collect();
    moved.sort_unstable_by_key(|(to, _)| *to);
    moved.into_iter().map(|(_, event)| event).collect()
}

/// Sweeps within one overlap.
const SWEEPS: u32 = 4;

/// What clocks of two machines may differ without one of them being wrong; `Date` of HTTP has whole seconds.
const CLOCK: Duration = Duration::from_secs(2);

/// From when on an event is of the future.
const FUTURE: Duration = Duration::from_secs(5);
