//! Formats that templates read and write, each as the Go library does it.

pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod yaml;
