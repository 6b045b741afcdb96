//! What is due when.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// Names a dependency in the engine's tables.
pub(super) type Id = usize;

/// What is due when; each dependency stands in it at most once.
#[derive(Default)]
pub(super) struct Agenda {
    order: BTreeSet<(Instant, Id)>,
    by_id: BTreeMap<Id, Instant>,
}

impl Agenda {
    /// Puts it there, instead of where it was.
    pub(super) fn put(&mut self, id: Id, at: Instant) {
        self.remove(id);
        self.order.insert((at, id));
        self.by_id.insert(id, at);
    }

    /// Takes it off.
    pub(super) fn remove(&mut self, id: Id) {
        if let Some(at) = self.by_id.remove(&id) {
            self.order.remove(&(at, id));
        }
    }

    /// When the first one is due.
    pub(super) fn first(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes off the first one if it is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Id> {
        let (_, id) = *self.order.first().filter(|(at, _)| *at <= now)?;
        self.remove(id);
        Some(id)
    }
}
