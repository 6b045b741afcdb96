//! Compiles, lints and applies least-privilege policies and roles.
