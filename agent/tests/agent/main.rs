//! The agent's program against the real server, and against one that misbehaves.

#[cfg(test)]
mod leases;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod misbehaviour;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sinks;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod writes;

#[cfg(test)]
use support::{authority, bao, broker, double, gate, process};
