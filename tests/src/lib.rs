//! What the cluster tests share: kubectl, the operator's view of OpenBao, processes on the node, waiting.
//!
//! The tests run inside the node's namespaces (`tests/node/node exec`), so service addresses answer and the processes
//! of every pod can be looked at, as an attacker with root on the node could.

pub mod bao;
pub mod cluster;
pub mod load;
pub mod network;
pub mod node;
pub mod postgres;
pub mod redis;
pub mod reviews;
pub mod wait;
