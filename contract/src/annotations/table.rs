//! The table itself, in the order of the reference page.

mod agent;
mod pod;
mod secrets;
mod server;

use super::Group;

/// Every annotation that is read or written.
pub const REGISTRY: &[Group] = &[
    Group { title: "What is injected", entries: pod::ENTRIES },
    Group { title: "Secrets and files", entries: secrets::ENTRIES },
    Group { title: "The agent's container", entries: agent::CONTAINER },
    Group { title: "How the agent behaves", entries: agent::BEHAVIOUR },
    Group { title: "Server and login", entries: server::ENTRIES },
    Group { title: "Cache, listener and telemetry of Vault Agent", entries: agent::CLASSIC },
];
