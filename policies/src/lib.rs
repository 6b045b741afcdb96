//! Compiles, lints and applies least-privilege policies and roles.

pub mod policy;
pub mod rules;
