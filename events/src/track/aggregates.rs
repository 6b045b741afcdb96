//! The last sequence of each aggregate that had an event lately.

use std::collections::HashMap;

/// Aggregates of a generation; two are kept.
const GENERATION: usize = 32_768;

#[derive(Default)]
pub(super) struct Aggregates {
    young: HashMap<u64, i64>,
    old: HashMap<u64, i64>,
}

/// How a sequence follows on the last one.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Directly, or nothing is known of the aggregate.
    Next,
    /// A later one has been handed out.
    Late,
    /// One is missing in between.
    Gap,
}

impl Aggregates {
    /// Looks, and notes the sequence unless there is a gap.
    pub(super) fn step(&mut self, aggregate: u64, sequence: i64) -> Step {
        let last = self.young.get(&aggregate).or_else(|| self.old.get(&aggregate)).copied();
        match last {
            Some(last) if sequence <= last => Step::Late,
            Some(last) if sequence > last.saturating_add(1) => Step::Gap,
            _ => {
                self.note(aggregate, sequence);
                Step::Next
            }
        }
    }

    /// Notes a sequence in spite of a gap; gives how many are missing.
    pub(super) fn jump(&mut self, aggregate: u64, sequence: i64) -> u64 {
        let last = self.young.get(&aggregate).or_else(|| self.old.get(&aggregate)).copied();
        self.note(aggregate, sequence);
        last.map_or(0, |last| u64::try_from(sequence.saturating_sub(last).saturating_sub(1)).unwrap_or_default())
    }

    fn note(&mut self, aggregate: u64, sequence: i64) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(aggregate, sequence);
    }
}
