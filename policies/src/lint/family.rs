//! The rules, one file for each family of codes.

pub(super) mod capabilities;
pub(super) mod engines;
pub(super) mod manifests;
pub(super) mod parameters;
pub(super) mod paths;
pub(super) mod power;
pub(super) mod program;
pub(super) mod resources;
pub(super) mod roles;
pub(super) mod sets;
pub(super) mod style;
pub(super) mod syntax;
pub(super) mod templates;
