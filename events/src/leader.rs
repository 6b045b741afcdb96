//! Which replica works: the holder of a Lease of Kubernetes, or of a lock in Redis.
//!
//! Neither keeps two from working at the same time for a moment; the fence in Redis does (`sink`). This only sees to it
//! that normally one works, and that another takes over when it is gone.

mod lease;
mod lock;

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::bridge::told;
use crate::config::{Config, ElectionKind};
use crate::leader::lease::Lease;
use crate::leader::lock::Lock;

/// Looks within a term. Together with the term it is the longest hand-over.
const LOOKS: u32 = 5;

/// What is held.
enum Seat {
    Lease(Box<Lease>),
    Lock(Box<Lock>),
}

impl Seat {
    /// Takes or renews it. Whether it is ours.
    async fn hold(&mut self) -> Result<bool, String> {
        match self {
            Self::Lease(lease) => lease.hold(Instant::now()).await,
            Self::Lock(lock) => lock.hold().await,
        }
    }

    /// Gives it back, so that nobody waits.
    async fn release(&mut self) -> Result<(), String> {
        match self {
            Self::Lease(lease) => lease.release().await,
            Self::Lock(lock) => lock.release().await,
        }
    }
}

/// Tells whether this replica leads, until it is told to stop; then gives the seat back, after `done`.
pub(crate) async fn campaign(
    config: &Config,
    identity: &str,
    leads: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
    mut done: watch::Receiver<bool>,
) {
    let term = config.election.term.0;
    let pause = term / LOOKS;
    let seat = match config.election.kind {
        ElectionKind::Lease => Lease::new(&config.election, identity).map(Box::new).map(Seat::Lease),
        ElectionKind::Redis => Ok(Seat::Lock(Box::new(Lock::new(config, identity)))),
    };
    let mut seat = match seat {
        Ok(seat) => seat,
        Err(error) => {
            warn!(error, "cannot stand for election");
            return told(&mut stop).await;
        }
    };
    let (mut held, mut failures) = (Instant::now(), 0_u32);
    while !*stop.borrow() {
        let asked = Instant::now();
        let answer = timeout(pause, seat.hold()).await.unwrap_or_else(|_| Err("no answer in time".into()));
        match answer {
            Ok(ours) => {
                failures = 0;
                if ours {
                    held = asked;
                }
                tell(&leads, ours);
            }
            Err(error) => {
                failures += 1;
                if failures == 1 || failures.is_multiple_of(20) {
                    warn!(error, failures, "cannot hold the seat");
                }
                // Before the others believe that we are gone.
                if held.elapsed() + pause >= term {
                    tell(&leads, false);
                }
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = told(&mut stop) => {}
        }
    }
    let _ = timeout(Duration::from_secs(12), told(&mut done)).await;
    tell(&leads, false);
    if let Ok(Err(error)) = timeout(pause, seat.release()).await {
        info!(error, "the seat was not given back; it becomes free by itself");
    }
}

fn tell(leads: &watch::Sender<bool>, now: bool) {
    let changed = leads.send_if_modified(|before| std::mem::replace(before, now) != now);
    if changed {
        info!(leads = now, "leadership changed");
    }
}
