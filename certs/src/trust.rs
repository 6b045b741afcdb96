//! Which authorities clients were seen to trust, and for how long.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::CaCert;

#[cfg(test)]
mod tests;

/// The bundle as last seen. Clients learn of a change a moment later than whoever reads it, so an authority counts
/// only after it has been there for `settle`.
#[derive(Clone, Debug)]
pub struct Trust {
    settle: Duration,
    /// `None`: nobody tells us what clients trust, so everything counts.
    seen: Option<BTreeMap<Vec<u8>, SystemTime>>,
}

impl Trust {
    /// Clients are told by other means than a bundle that we watch.
    #[must_use]
    pub fn assumed() -> Self {
        Self { settle: Duration::ZERO, seen: None }
    }

    /// Nothing is trusted until [`Trust::observe`] sees it.
    #[must_use]
    pub fn observed(settle: Duration) -> Self {
        Self { settle, seen: Some(BTreeMap::new()) }
    }

    /// Takes note of what the bundle holds now.
    pub fn observe(&mut self, bundle: &[CaCert], now: SystemTime) {
        let Some(seen) = &mut self.seen else { return };
        let mut fresh = BTreeMap::new();
        for ca in bundle {
            // A clock that was set back must not make an old sighting look like one of the future.
            let since = seen.get(ca.der().as_ref()).copied().filter(|since| *since <= now).unwrap_or(now);
            fresh.insert(ca.der().to_vec(), since);
        }
        *seen = fresh;
    }

    /// Whether clients are known to trust this authority.
    #[must_use]
    pub fn holds(&self, ca: &CaCert, now: SystemTime) -> bool {
        let Some(seen) = &self.seen else { return true };
        seen.get(ca.der().as_ref()).is_some_and(|since| now.duration_since(*since).is_ok_and(|age| age >= self.settle))
    }
}
