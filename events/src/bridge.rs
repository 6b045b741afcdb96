//! One group's work: read, classify, push. What goes wrong ends a term; the next one begins with what Redis holds.
//!
//! Each Redis group has a bridge of its own with a state of its own, so that one that is away or full does not hold up
//! the others; each reads all events and takes those of its queues.

mod term;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::backoff::Backoff;
use crate::bridge::term::{End, Term};
use crate::config::Config;
use crate::logs::chain;
use crate::metrics::Metrics;
use crate::sink::Sink;
use crate::source;

/// What a bridge is told from outside.
#[derive(Clone)]
pub(crate) struct Signals {
    /// This replica leads.
    pub(crate) leads: watch::Receiver<bool>,
    /// Finish and end.
    pub(crate) stop: watch::Receiver<bool>,
    /// Somebody knocked: look at once.
    pub(crate) knock: watch::Receiver<u64>,
}

/// A group's bridge.
pub(crate) struct Bridge {
    pub(crate) config: Arc<Config>,
    pub(crate) group: String,
    pub(crate) identity: String,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) signals: Signals,
}

impl Bridge {
    /// Works whenever this replica leads, until it is told to stop.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        while self.wait_to_lead().await {
            let pause = match self.lead().await {
                Ok(End::Stopped) => break,
                Ok(End::Deposed) => Duration::ZERO,
                Ok(End::Fenced) => {
                    self.metrics.fenced.inc();
                    warn!(group = self.group, "another bridge has taken the group");
                    self.config.election.term.0 / 3
                }
                Ok(End::Behind) => {
                    self.metrics.rollbacks.inc();
                    warn!(group = self.group, "the group has lost its last writes; they are read again");
                    Duration::ZERO
                }
                Err(Failure { worked, text }) => {
                    if worked {
                        backoff.reset();
                    }
                    self.metrics.retries.inc();
                    let pause = backoff.next();
                    if backoff.failures() == 1 || backoff.failures().is_multiple_of(20) {
                        error!(group = self.group, failures = backoff.failures(), error = text, "work is interrupted");
                    }
                    pause
                }
            };
            self.metrics.leader_is_idle(&self.group);
            tokio::select! {
                () = sleep(pause) => {}
                () = told(&mut self.signals.stop) => break,
            }
        }
        info!(group = self.group, "ended");
    }

    /// Whether there is something to do yet.
    async fn wait_to_lead(&mut self) -> bool {
        tokio::select! {
            () = told(&mut self.signals.leads) => !*self.signals.stop.borrow(),
            () = told(&mut self.signals.stop) => false,
        }
    }

    async fn lead(&mut self) -> Result<End, Failure> {
        let of_source = |error: source::Error| Failure { worked: false, text: chain(&error) };
        let source = source::open(&self.config.source, self.config.publishing.max_message_bytes).map_err(of_source)?;
        let unnamed = || Failure { worked: false, text: format!("there is no group {}", self.group) };
        let group = self.config.redis.groups.get(&self.group).ok_or_else(unnamed)?;
        let sink = Sink::new(&self.config.redis, group, &self.identity);
        let mut term = Term::begin(self, source, sink).await.map_err(|error| self.failure(false, &error))?;
        let result = term.run(&mut self.signals).await;
        let worked = term.has_pushed();
        result.map_err(|error| self.failure(worked, &error))
    }

    fn failure(&self, worked: bool, error: &crate::link::Error) -> Failure {
        self.metrics.redis_error(error.kind());
        Failure { worked, text: chain(error) }
    }
}

/// Why a term ended early.
struct Failure {
    /// Something had been pushed.
    worked: bool,
    text: String,
}

/// Waits until it is so; for ever when nobody is left to say it.
pub(crate) async fn told(signal: &mut watch::Receiver<bool>) {
    turned(signal, true).await;
}

/// Waits until it is as wanted.
async fn turned(signal: &mut watch::Receiver<bool>, wanted: bool) {
    // Only whether it came: what it gives would hold a lock.
    let came = signal.wait_for(|value| *value == wanted).await.is_ok();
    if !came {
        std::future::pending::<()>().await;
    }
}
