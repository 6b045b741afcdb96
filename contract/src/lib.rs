//! What webhook and agent agree on: annotations, the injection plan, the agent's configuration.
//!
//! Nothing here does I/O, knows a clock or logs: functions from values to values.

pub mod annotations;
pub mod config;
pub mod docs;
pub mod plan;
