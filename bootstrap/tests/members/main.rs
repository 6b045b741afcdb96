//! Real OpenBao servers, started as a pod starts them: the guard writes the configuration, then the server runs.
#![cfg(test)]

mod listener;
mod member;
mod rotations;
mod snapshots;
mod strangers;
