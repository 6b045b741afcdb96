//! What was read and is not in Redis yet, by queue, and when it is due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event::Moment;

#[cfg(test)]
mod tests;

/// A message on its way.
pub(crate) struct Item {
    pub(crate) bytes: Vec<u8>,
    pub(crate) created_at: Moment,
    pub(crate) mark: u64,
    /// The event, for people.
    pub(crate) name: String,
    pub(crate) since: Instant,
}

/// One queue's messages in their order.
pub(crate) struct Lane {
    items: VecDeque<Item>,
    size: usize,
    timeout: Duration,
    /// The list was full, or refused: no attempt before this.
    blocked: Option<Instant>,
}

impl Lane {
    pub(crate) fn new(size: usize, timeout: Duration) -> Self {
        Self { items: VecDeque::new(), size, timeout, blocked: None }
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn oldest(&self) -> Option<Moment> {
        self.items.iter().map(|item| item.created_at).min()
    }

    /// When there is something to do: now or earlier when a batch is full, later when it may still grow.
    pub(crate) fn due(&self) -> Option<Instant> {
        let first = self.items.front()?;
        let due = if self.items.len() >= self.size { first.since } else { first.since + self.timeout };
        Some(self.blocked.map_or(due, |blocked| blocked.max(due)))
    }

    /// The next batch; it stays until [`Self::sent`].
    pub(crate) fn batch(&self) -> impl Iterator<Item = &Item> + Clone {
        self.items.iter().take(self.size)
    }

    /// The oldest of what would still be waiting after this batch.
    pub(crate) fn oldest_after_batch(&self) -> Option<Moment> {
        self.items.iter().skip(self.size).map(|item| item.created_at).min()
    }

    /// The batch is in Redis.
    pub(crate) fn sent(&mut self) -> impl Iterator<Item = Item> + '_ {
        self.blocked = None;
        let count = self.size.min(self.items.len());
        self.items.drain(..count)
    }

    pub(crate) fn block(&mut self, until: Instant) {
        self.blocked = Some(until);
    }
}
