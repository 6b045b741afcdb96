//! The sidecar: logs in, renders secrets to tmpfs, keeps leases alive, reloads the process.

pub mod auth;
pub mod backoff;
pub mod cli;
pub mod control;
pub mod engine;
pub mod env;
pub mod files;
pub mod handle;
pub mod logs;
pub mod metrics;
pub mod reload;
pub mod renewal;
pub mod session;
pub mod settings;
pub mod signals;
pub mod status;
pub mod termination;
pub mod vault;

mod ask;
mod run;

pub use self::run::run;
