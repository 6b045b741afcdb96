//! Which events after a moment were seen.

use std::collections::BTreeSet;

use crate::event::Moment;

/// Most that is remembered: some megabytes, and ten seconds of 20,000 events a second.
const MOST: usize = 200_000;

/// Marks by their moments.
#[derive(Default)]
pub(super) struct Window(BTreeSet<(Moment, u64)>);

impl Window {
    /// Whether it is new.
    pub(super) fn insert(&mut self, created_at: Moment, mark: u64) -> bool {
        self.0.insert((created_at, mark))
    }

    /// Forgets what is not after a moment.
    pub(super) fn forget(&mut self, settled: Moment) {
        while self.0.first().is_some_and(|(moment, _)| *moment <= settled) {
            self.0.pop_first();
        }
    }

    /// Forgets the oldest beyond the limit; gives the moment up to which all is forgotten, if any was.
    pub(super) fn shorten(&mut self) -> Option<Moment> {
        let mut last = None;
        while self.0.len() > MOST {
            last = self.0.pop_first().map(|(moment, _)| moment);
        }
        // A moment is forgotten as a whole: half of it would be handed out again.
        if let Some(moment) = last {
            self.forget(moment);
        }
        last
    }
}
