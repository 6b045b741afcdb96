//! One dependency: what is held of it and what is to be done next. Pure: time and chance come from outside.

use std::{collections::BTreeSet, time::Duration};

use blinkchamber_templates::Dependency;
use fastrand::Rng;
use tokio::time::Instant;

use super::term::{Term, Version};
use crate::{
    backoff::Backoff,
    renewal::{Renewal, Step},
    session::Pace,
};

/// How often a `file` is looked at.
const FILE_INTERVAL: Duration = Duration::from_secs(2);
/// A write without a lease is not repeated more often than this: each gives another answer (a ciphertext, a certificate).
const WRITE_INTERVAL: Duration = Duration::from_secs(300);
/// Nothing that went well is repeated sooner.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// What all dependencies have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) static_interval: Duration,
    pub(super) lease_threshold: f64,
    pub(super) pace: Pace,
}

/// What to ask the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// For the whole answer: read, list, write, issue.
    Fetch,
    /// Whether there is a newer version.
    Probe,
    /// To prolong the lease.
    Renew,
}

/// What is held of a dependency.
pub(super) struct Held {
    pub(super) term: Term,
    /// Where its metadata is, when it is a KV v2 secret.
    pub(super) metadata: Option<String>,
    /// Token that it was obtained with.
    pub(super) epoch: u64,
    pub(super) renewal: Option<Renewal>,
}

impl Held {
    /// The lease, if the server keeps one.
    pub(super) fn lease(&self) -> Option<(&str, Instant)> {
        match (&self.term, &self.renewal) {
            (Term::Leased { id, .. }, Some(renewal)) => Some((id, renewal.expires())),
            _ => None,
        }
    }
}

/// One dependency.
pub(super) struct Slot {
    pub(super) dependency: Dependency,
    /// Templates that look at it.
    pub(super) users: BTreeSet<usize>,
    pub(super) action: Action,
    /// A request is under way.
    pub(super) running: bool,
    /// It was asked for once more while a request was under way.
    pub(super) again: bool,
    pub(super) held: Option<Held>,
    /// What went wrong last, until something goes right.
    pub(super) error: Option<String>,
    timing: Timing,
    backoff: Backoff,
    /// Waits before a credential that died too early is replaced.
    reissue: Backoff,
}

impl Slot {
    pub(super) fn new(dependency: Dependency, timing: Timing) -> Self {
        Self {
            dependency,
            users: BTreeSet::new(),
            action: Action::Fetch,
            running: false,
            again: false,
            held: None,
            error: None,
            backoff: Backoff::new(timing.pace.min, timing.pace.max),
            reissue: Backoff::new(Duration::from_secs(1), Duration::from_secs(300)),
            timing,
        }
    }

    /// Other intervals from now on.
    pub(super) fn retime(&mut self, timing: Timing) {
        self.timing = timing;
        self.backoff = Backoff::new(timing.pace.min, timing.pace.max);
    }

    /// Attempts that failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    /// Whether the server is not needed for it.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.dependency, Dependency::File { .. })
    }

    /// Whether it is a certificate that is issued for its template.
    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.dependency, Dependency::PkiCert { .. })
    }

    /// Whether a person who says "look again" means it.
    pub(super) fn is_static(&self) -> bool {
        let terms = |held: &Held| matches!(held.term, Term::Static | Term::Versioned(_) | Term::Rotating(_));
        self.error.is_some() || (!self.is_write() && self.held.as_ref().is_none_or(terms))
    }

    /// Whether what is held ends with the token that obtained it, and that is not this one.
    pub(super) fn is_of_another_token(&self, epoch: u64) -> bool {
        self.held.as_ref().is_some_and(|held| held.epoch != epoch && matches!(held.term, Term::Leased { .. }))
    }

    /// The version that is held and where to ask for the current one.
    pub(super) fn version(&self) -> Option<(&Version, &str)> {
        match &self.held {
            Some(Held { term: Term::Versioned(version), metadata: Some(metadata), .. }) => Some((version, metadata)),
            _ => None,
        }
    }

    /// A whole answer came: what is held now, and when the next step is due.
    pub(super) fn fetched(
        &mut self,
        now: Instant,
        term: Term,
        metadata: Option<String>,
        epoch: u64,
        rng: &mut Rng,
    ) -> Instant {
        self.succeeded();
        let renewal = match &term {
            Term::Leased { lease, renewable, .. } if !lease.is_zero() => Some(if *renewable {
                Renewal::begin(now, *lease, true, rng)
            } else {
                Renewal::fixed(now, *lease, self.timing.lease_threshold, rng)
            }),
            Term::Until(ttl) if !ttl.is_zero() => Some(Renewal::fixed(now, *ttl, self.timing.lease_threshold, rng)),
            _ => None,
        };
        self.held = Some(Held { term, metadata, epoch, renewal });
        self.plan(now, rng)
    }

    /// How long a certificate of this life and age is still used; `None` when it is time for another one.
    pub(super) fn rest_of(&self, life: Duration, age: Duration) -> Option<Duration> {
        life.mul_f64(self.timing.lease_threshold).checked_sub(age).filter(|rest| !rest.is_zero())
    }

    /// A certificate of an earlier run is good for so long and used for `rest` of it: when the next step is due.
    pub(super) fn taken_over(&mut self, now: Instant, left: Duration, rest: Duration) -> Instant {
        let renewal = Some(Renewal::until(now, left, rest));
        self.held = Some(Held { term: Term::Until(left), metadata: None, epoch: 0, renewal });
        self.action = Action::Fetch;
        now + rest
    }

    /// There is no newer version.
    pub(super) fn unchanged(&mut self, now: Instant, rng: &mut Rng) -> Instant {
        self.succeeded();
        self.plan(now, rng)
    }

    /// The metadata cannot tell, or there is a newer version: the secret must be read.
    pub(super) fn must_be_read(&mut self, now: Instant) -> Instant {
        self.action = Action::Fetch;
        now
    }

    /// The lease was prolonged.
    pub(super) fn renewed(&mut self, now: Instant, lease: Duration, rng: &mut Rng) -> Instant {
        self.succeeded();
        self.reissue.reset();
        if let Some(renewal) = self.held.as_mut().and_then(|held| held.renewal.as_mut()) {
            renewal.renewed(now, lease, rng);
        }
        self.plan(now, rng)
    }

    /// The lease was not prolonged. That is no reason for another credential while this one lives.
    pub(super) fn renewal_failed(
        &mut self,
        now: Instant,
        error: String,
        wish: Option<Duration>,
        rng: &mut Rng,
    ) -> Instant {
        self.error = Some(error);
        if let Some(renewal) = self.held.as_mut().and_then(|held| held.renewal.as_mut()) {
            renewal.failed(now, wish, rng);
        }
        self.plan(now, rng)
    }

    /// The server does not know the lease: the credential is dead before its time. It is replaced, but not in a hurry
    /// that would flood the server with credentials when each one dies at once.
    pub(super) fn lease_is_gone(&mut self, now: Instant, error: String, rng: &mut Rng) -> Instant {
        self.error = Some(error);
        self.action = Action::Fetch;
        now + self.reissue.next(None, rng)
    }

    /// The request failed; what is held stays.
    pub(super) fn failed(&mut self, now: Instant, error: String, wish: Option<Duration>, rng: &mut Rng) -> Instant {
        self.error = Some(error);
        let wait = self.backoff.next(wish, rng);
        now + if self.is_local() { FILE_INTERVAL } else { wait }
    }

    fn succeeded(&mut self) {
        self.error = None;
        self.backoff.reset();
    }

    fn plan(&mut self, now: Instant, rng: &mut Rng) -> Instant {
        self.action = Action::Fetch;
        if self.is_local() {
            return now + FILE_INTERVAL;
        }
        let interval = self.timing.static_interval;
        let interval = if self.is_write() { interval.max(WRITE_INTERVAL) } else { interval };
        let Some(held) = &self.held else { return now };
        let due = match (&held.term, &held.renewal) {
            (Term::Leased { .. } | Term::Until(_), Some(renewal)) => {
                if matches!(renewal.step(), Step::Renew(_)) {
                    self.action = Action::Renew;
                }
                renewal.step().at()
            }
            (Term::Rotating(Some(ttl)), _) => now + *ttl + Duration::from_secs(1) + jitter(Duration::from_secs(1), rng),
            // The rotation is due and has not happened: soon.
            (Term::Rotating(None), _) => now + Duration::from_secs(1) + jitter(Duration::from_secs(1), rng),
            (term, _) => {
                if matches!(term, Term::Versioned(_)) && held.metadata.is_some() {
                    self.action = Action::Probe;
                }
                now + interval.mul_f64(0.9 + rng.f64() / 5.0)
            }
        };
        due.max(now + SHORTEST_WAIT)
    }

    fn is_write(&self) -> bool {
        self.is_certificate() || matches!(self.dependency, Dependency::Write { .. })
    }
}

fn jitter(most: Duration, rng: &mut Rng) -> Duration {
    most.mul_f64(rng.f64())
}

#[cfg(test)]
mod tests;
