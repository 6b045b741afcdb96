//! What the tests share: servers, what stands in the way to them, and the agent's program.

pub(crate) mod authority;
pub(crate) mod bao;
pub(crate) mod broker;
pub(crate) mod double;
pub(crate) mod gate;
pub(crate) mod process;
