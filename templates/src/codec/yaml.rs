//! YAML 1.1 as Go's `yaml.v2` reads and writes it.

mod decode;
mod encode;
mod resolve;
mod scalar;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

#[cfg(test)]
mod tests;
