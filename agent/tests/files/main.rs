//! Files while the agent is killed, the volume is full or read-only, and rights are missing.
//!
//! Parts run in a child process: this program again, with one of the ignored tests and a directory to work in.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod kill;
mod refused;
mod support;
