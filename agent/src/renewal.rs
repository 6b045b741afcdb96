//! When a token or a lease is renewed, and when it is replaced.
//!
//! Vault's lifetime watcher in its good parts: renew when some 70 % of the lease is over, replace in the last 10 to 20 %.
//! Unlike there, a fresh lease is not renewed at once (that is waste), a failed renewal is no reason for a replacement
//! while there is time to try again, and what cannot be renewed further is used until its grace window.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Renew it then.
    Renew(Instant),
    /// Get another one then.
    Replace(Instant),
}

impl Step {
    /// When.
    pub(crate) fn at(self) -> Instant {
        match self {
            Self::Renew(at) | Self::Replace(at) => at,
        }
    }
}

/// The life of one token or lease.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    lease: Duration,
    expires: Instant,
    grace: Duration,
    failures: u32,
    step: Step,
}

impl Renewal {
    /// A lease that begins now. `renewable` as the server says.
    pub(crate) fn begin(now: Instant, lease: Duration, renewable: bool, rng: &mut Rng) -> Self {
        let mut renewal =
            Self { lease, expires: now + lease, grace: grace(lease, rng), failures: 0, step: Step::Replace(now) };
        let due = renewal.due(now);
        renewal.step = if renewable { renewal.settle(now, due) } else { Step::Replace(due) };
        renewal
    }

    /// A lease that is replaced after this share of its life, not renewed.
    pub(crate) fn fixed(now: Instant, lease: Duration, share: f64, rng: &mut Rng) -> Self {
        let share = (share + (rng.f64() - 0.5) / 10.0).clamp(0.05, 0.98);
        let step = Step::Replace(now + lease.mul_f64(share));
        Self { lease, expires: now + lease, grace: grace(lease, rng), failures: 0, step }
    }

    /// What ends after `left` and is replaced after `rest`.
    pub(crate) fn until(now: Instant, left: Duration, rest: Duration) -> Self {
        let grace = left.saturating_sub(rest);
        Self { lease: left, expires: now + left, grace, failures: 0, step: Step::Replace(now + rest) }
    }

    /// The server renewed it for so long.
    pub(crate) fn renewed(&mut self, now: Instant, lease: Duration, rng: &mut Rng) {
        if lease > self.lease {
            self.lease = lease;
            self.grace = grace(lease, rng);
        }
        self.expires = now + lease;
        self.failures = 0;
        self.step = self.settle(now, self.due(now));
    }

    /// Renewing failed: try again until the grace window begins.
    pub(crate) fn failed(&mut self, now: Instant, wish: Option<Duration>, rng: &mut Rng) {
        let base = (self.lease / 20).clamp(Duration::from_millis(500), Duration::from_secs(10));
        let growth = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = base.saturating_mul(growth).min(Duration::from_secs(300)).mul_f64(0.5 + rng.f64());
        self.failures = self.failures.saturating_add(1);
        self.step = self.settle(now, now + wait.max(wish.unwrap_or_default()));
    }

    /// What to do next.
    pub(crate) fn step(&self) -> Step {
        self.step
    }

    /// When it ends.
    pub(crate) fn expires(&self) -> Instant {
        self.expires
    }

    /// 70 to 73 % of what is left of it.
    fn due(&self, now: Instant) -> Instant {
        let remaining = self.expires.saturating_duration_since(now);
        now + remaining.mul_f64(2.0 / 3.0) + self.grace / 3
    }

    /// A renewal that would come in the grace window is a replacement at its begin.
    fn settle(&self, now: Instant, due: Instant) -> Step {
        let window = self.expires.checked_sub(self.grace).map_or(now, |window| window.max(now));
        if due >= window { Step::Replace(window) } else { Step::Renew(due) }
    }
}

fn grace(lease: Duration, rng: &mut Rng) -> Duration {
    lease.mul_f64(0.1 + rng.f64() / 10.0)
}

#[cfg(test)]
mod tests;
