//! The promises, each proved on a real node with the chart installed (`make e2e`).
//!
//! Tests that take something away from the others (the webhook, the server) hold [`disruptive`]; all others hold
//! [`peaceful`], so they run side by side with one another and never beside a disruption.

mod certificates;
mod database;
mod delivery;
mod fuzz;
mod gates;
mod outages;
mod peer;
mod pods;
mod policies;
mod rotation;
mod workloads;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static PLATFORM: RwLock<()> = RwLock::new(());

/// Held by a test that needs the platform as it is.
pub(crate) fn peaceful() -> RwLockReadGuard<'static, ()> {
    PLATFORM.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a test that stops or changes a part of the platform, and puts it back.
pub(crate) fn disruptive() -> RwLockWriteGuard<'static, ()> {
    PLATFORM.write().unwrap_or_else(PoisonError::into_inner)
}
