//! `auto_auth`: one method, any number of sinks.

use crate::config::reader::Block;
use crate::config::{AutoAuth, Method, ReadError, Sink};

/// Settings of encrypted or wrapped tokens, which the agent does not write.
const WRAPPING: [&str; 6] = ["aad", "aad_env_var", "derive_key", "dh_path", "dh_type", "wrap_ttl"];

pub(super) fn read(block: &Block<'_>, warnings: &mut Vec<String>) -> Result<AutoAuth, ReadError> {
    let methods = block.blocks("method")?;
    let [method] = methods.as_slice() else {
        return Err(block.error("method", &format!("{} methods: expected exactly one", methods.len())));
    };
    for key in block.keys().filter(|key| !matches!(key.text.as_str(), "method" | "sink")) {
        warnings.push(block.warning_at(key, "is unknown and ignored"));
    }
    let sinks = block.blocks("sink")?;
    Ok(AutoAuth { method: login(method)?, sinks: sinks.iter().map(sink).collect::<Result<_, _>>()? })
}

fn login(block: &Block<'_>) -> Result<Method, ReadError> {
    let (kind, block) = block.labelled("type")?;
    refuse_wrapping(&block)?;
    Ok(Method {
        kind,
        mount_path: block.text("mount_path")?,
        min_backoff: block.duration("min_backoff")?,
        max_backoff: block.duration("max_backoff")?,
        namespace: block.text("namespace")?,
        config: block.one("config")?.map(|config| config.scalars()).transpose()?.unwrap_or_default(),
        exit_on_err: block.flag("exit_on_err")?.unwrap_or_default(),
    })
}

fn sink(block: &Block<'_>) -> Result<Sink, ReadError> {
    let (kind, block) = block.labelled("type")?;
    refuse_wrapping(&block)?;
    if kind != "file" {
        return Err(block.error("type", &format!("{kind:?} is not a kind of sink: expected file")));
    }
    let config = block.one("config")?.map(|config| config.scalars()).transpose()?.unwrap_or_default();
    if !config.contains_key("path") {
        return Err(block.error("config.path", "is missing: expected the path of the token file"));
    }
    Ok(Sink { kind, config })
}

fn refuse_wrapping(block: &Block<'_>) -> Result<(), ReadError> {
    match block.keys().find(|key| WRAPPING.contains(&key.text.as_str())) {
        Some(key) => Err(block.error_at(key, "encrypted and wrapped tokens are not supported: take it out")),
        None => Ok(()),
    }
}
