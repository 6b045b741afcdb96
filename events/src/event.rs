//! What is read from ZITADEL: an event, its key, and its moment.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

/// Microseconds since 1970, the resolution of PostgreSQL.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// Before every event.
    pub(crate) const BEGINNING: Self = Self(0);

    /// By the clock of this machine.
    pub(crate) fn now() -> Self {
        Self(Timestamp::now().as_microsecond())
    }

    /// RFC 3339, as ZITADEL writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|time| Self(time.as_microsecond()))
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// The moment before.
    pub(crate) fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The moment after.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How much later `self` is; zero when it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(out, "{}", time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")),
            Err(_) => write!(out, "{} us", self.0),
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The primary key of `eventstore.events2`, in its order.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) instance: String,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate_id: String,
    pub(crate) sequence: i64,
}

impl Key {
    /// Stands for the key where many are remembered. It is written to Redis, so it must never change.
    pub(crate) fn mark(&self) -> u64 {
        mark_of(&[&self.instance, &self.aggregate_type, &self.aggregate_id, &self.sequence.to_string()])
    }

    /// Stands for the aggregate.
    pub(crate) fn aggregate_mark(&self) -> u64 {
        mark_of(&[&self.instance, &self.aggregate_type, &self.aggregate_id])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}/{}", self.instance, self.aggregate_type, self.aggregate_id, self.sequence)
    }
}

/// The first eight bytes of a SHA-256 over the parts, each with a byte after it that none contains.
pub(crate) fn mark_of(parts: &[&str]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
}

/// One event. No `Debug`: its payload holds what must not be logged.
pub(crate) struct Event {
    pub(crate) key: Key,
    pub(crate) kind: String,
    pub(crate) created_at: Moment,
    pub(crate) owner: String,
    pub(crate) editor: String,
    pub(crate) payload: Payload,
}

/// What an event says, as it came.
pub(crate) enum Payload {
    None,
    Json(Box<RawValue>),
    /// Larger than the source hands out.
    TooLarge,
}

/// What a source gave in place of an event.
pub(crate) struct Malformed {
    /// What is wrong with it; never a value of the payload.
    pub(crate) reason: String,
    /// What could be read of its key.
    pub(crate) known: String,
    /// Tells it from others.
    pub(crate) mark: u64,
    pub(crate) created_at: Option<Moment>,
}
