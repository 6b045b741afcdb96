//! How long to wait after a failure: longer each time, and never as long as everybody else.

use std::time::Duration;

#[cfg(test)]
mod tests;

const FIRST: Duration = Duration::from_millis(100);

const LONGEST: Duration = Duration::from_secs(5);

/// Failures in a row.
#[derive(Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }

    /// The next pause: between half of its step and the whole.
    pub(crate) fn next(&mut self) -> Duration {
        let step = FIRST.saturating_mul(1 << self.0.min(10)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        step.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
    }

    pub(crate) fn failures(&self) -> u32 {
        self.0
    }
}
