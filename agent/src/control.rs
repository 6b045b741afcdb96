//! Asks a running agent how it is, over a unix socket in its home directory.
//!
//! One line of JSON each way, then the connection is closed:
//!
//! ```text
//! {"request":"ready"}      {"response":"ready","ready":true}
//! {"request":"status"}     {"response":"status","status":{...}}
//! {"request":"refresh"}    {"response":"refreshed"}
//! anything else            {"response":"error","message":"..."}
//! ```
//!
//! The socket has mode 0600: the agent's own user (a probe in its container) and root may ask. Answers hold no secrets.

pub(crate) use self::{
    client::{ControlError, call},
    message::{Readiness, Request, Response},
    server::{Handler, Server},
};

mod client;
mod message;
mod server;

#[cfg(test)]
mod tests;

/// Name of the socket in the agent's home directory.
pub(crate) const SOCKET: &str = "agent.sock";
