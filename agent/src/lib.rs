//! The sidecar: logs in, renders secrets to tmpfs, keeps leases alive, reloads the process.

pub mod files;
pub mod vault;

mod ask;
mod auth;
mod backoff;
mod cli;
mod control;
mod engine;
mod env;
mod handle;
mod logs;
mod metrics;
mod reload;
mod renewal;
mod run;
mod session;
mod settings;
mod signals;
mod status;
mod termination;

pub use self::run::run;
