//! Keeps a valid leaf in use, and knows whether clients can trust it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use blinkchamber_certs::{CaCert, Error, Leaf, Served, Source, Trust};
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::logs::chain;
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// How often the wall clock and the files are looked at. A timer set for the renewal would sleep through a paused
/// node or a clock that jumped.
const TICK: Duration = Duration::from_secs(1);

/// The certificate side of the server.
pub(crate) struct Keeper {
    state: Mutex<State>,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    /// Told when the authorities change, so that the bundle is brought up to date at once.
    pub(crate) changed: Notify,
}

struct State {
    source: Source,
    trust: Trust,
    leaf: Option<Leaf>,
    authorities: Vec<CaCert>,
}

impl Keeper {
    pub(crate) fn new(source: Source, trust: Trust, served: Arc<Served>, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(State { source, trust, leaf: None, authorities: Vec::new() });
        Self { state, served, metrics, changed: Notify::new() }
    }

    /// Looks after the leaf for ever.
    pub(crate) async fn run(&self) {
        let mut last_error = String::new();
        loop {
            match self.tick(SystemTime::now()) {
                Ok(()) => last_error.clear(),
                Err(error) => {
                    let error = chain(&error);
                    // Once for each cause: the same file stays wrong for a while.
                    if error != last_error {
                        warn!(error, "certificate not renewed");
                        last_error = error;
                    }
                }
            }
            sleep(TICK).await;
        }
    }

    /// One look at the clock.
    pub(crate) fn tick(&self, now: SystemTime) -> Result<(), Error> {
        let mut state = self.state();
        let State { source, trust, .. } = &mut *state;
        let polled = source.poll(now, trust);
        let authorities = source.authorities();
        if authorities != state.authorities {
            state.authorities = authorities;
            self.changed.notify_one();
        }
        if let Some(leaf) = polled? {
            self.served.swap(&leaf);
            let not_after = leaf.not_after().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.metrics.leaf_not_after_seconds.set(not_after.as_secs_f64());
            self.metrics.leaf_issued.inc();
            info!(not_after = not_after.as_secs(), "certificate taken into use");
            state.leaf = Some(leaf);
        }
        Ok(())
    }

    /// What belongs in the bundle.
    pub(crate) fn authorities(&self) -> Vec<CaCert> {
        self.state().authorities.clone()
    }

    /// Takes note of what the bundle holds.
    pub(crate) fn observe(&self, bundle: &[CaCert], now: SystemTime) {
        self.state().trust.observe(bundle, now);
    }

    /// Why the API server cannot be served, if it cannot.
    pub(crate) fn obstacle(&self, now: SystemTime) -> Option<&'static str> {
        let state = self.state();
        let Some(leaf) = &state.leaf else { return Some("no certificate yet") };
        if !leaf.valid_at(now) {
            return Some("the certificate has expired");
        }
        let trusted = leaf.issuers().is_empty() || leaf.issuers().iter().any(|ca| state.trust.holds(ca, now));
        (!trusted).then_some("the webhook configuration's caBundle does not hold our authority (yet)")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
