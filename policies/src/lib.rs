//! Compiles, lints and applies least-privilege policies and roles.
//!
//! [`compile::compile`] turns rendered manifests into policies and roles, [`lint::lint`] says what a server would refuse
//! in a policy, [`apply::apply`] makes a server equal to a set and touches nothing else.

pub mod apply;
mod cli;
pub mod compile;
pub mod evaluate;
pub mod lint;
mod manifest;
pub mod output;
pub mod policy;
pub mod role;
pub mod rules;

pub use cli::{Exit, Streams, run};
