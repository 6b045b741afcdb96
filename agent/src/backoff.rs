//! Waits between attempts: exponential with full jitter, never shorter than a floor.

use std::time::Duration;

use fastrand::Rng;

/// A server that asks for more patience than this is not taken at its word: it may be back earlier.
const LONGEST_WISH: Duration = Duration::from_secs(600);

/// The waits of one thing that fails. Each thing has its own, so that the success of one never hurries another.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits from `min` up to `max`.
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), failures: 0 }
    }

    /// How often it failed since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait. `wish` is the server's `Retry-After`.
    pub(crate) fn next(&mut self, wish: Option<Duration>, rng: &mut Rng) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let ceiling = self.min.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.max);
        let wait = self.min + ceiling.saturating_sub(self.min).mul_f64(rng.f64());
        match wish {
            // Spread those who were all told the same.
            Some(wish) => wait.max(wish.min(LONGEST_WISH).mul_f64(1.0 + rng.f64() / 10.0)),
            None => wait,
        }
    }
}

#[cfg(test)]
mod tests;
