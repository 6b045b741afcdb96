//! The mark that a cluster was made: its id in a ConfigMap, so that the guard never begins a second one.

use serde_json::{Value, json};

use crate::Failure;
use crate::kubernetes::{Api, Options, config_map};

/// Key of the ConfigMap; the guard sees it as a file of that name.
const KEY: &str = "cluster";

/// Remembers the cluster's id in the ConfigMap `namespace/name`. `true` when it was not remembered yet.
///
/// # Errors
/// [`Failure::Failed`] when another cluster is remembered: somebody began a second one.
pub fn remember(options: &Options, marker: &str, cluster: &str) -> Result<bool, Failure> {
    let path = config_map("--marker", marker)?;
    let api = Api::new(options)?;
    let found = api.get(&path)?;
    match found.get("data").and_then(|data| data.get(KEY)).and_then(Value::as_str) {
        Some(known) if known == cluster => Ok(false),
        Some(known) => Err(Failure::Failed(format!(
            "ConfigMap {marker} remembers cluster {known}, and the server belongs to cluster {cluster}: somebody began a \
             second cluster; bring the first one back, or empty the ConfigMap if it is gone for good"
        ))),
        None => {
            api.patch(&path, &json!({"data": {KEY: cluster}}))?;
            Ok(true)
        }
    }
}

/// Remembers this cluster instead of the one before: what was restored is the cluster now.
///
/// # Errors
/// [`Failure::Unreachable`] when the API server refuses.
pub fn replace(options: &Options, marker: &str, cluster: &str) -> Result<(), Failure> {
    let path = config_map("--marker", marker)?;
    Api::new(options)?.patch(&path, &json!({"data": {KEY: cluster}}))?;
    Ok(())
}

#[cfg(test)]
mod tests;
