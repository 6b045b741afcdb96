//! Which mounts are KV v2, and where their secrets really are.
//!
//! consul-template asks once per secret; here one question per mount is enough, as mounts cannot lie inside each other.
//! `secret/data/app` needs none: whatever the mount is, that path is meant as written.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use blinkchamber_templates::Json;
use tokio::sync::Mutex as TurnMutex;

use crate::vault::{Call, Client, Token, VaultError};

/// What a path means on the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Resolved {
    /// The path to ask for.
    pub(super) path: String,
    /// Mount with its slash, when it is KV v2.
    pub(super) kv2: Option<String>,
}

/// What is asked of the path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// The secret itself.
    Data,
    /// Names.
    List,
}

/// What is known about mounts.
#[derive(Default)]
pub(super) struct Mounts {
    /// Mount with its slash, and whether it is KV v2.
    known: Mutex<BTreeMap<String, bool>>,
    /// One question at a time: the next one may be answered by this one's answer.
    turn: TurnMutex<()>,
}

impl Mounts {
    /// Finds out what a path means; asks the server when the mount is not known yet.
    pub(super) async fn resolve(
        &self,
        client: &Client,
        token: &Token,
        path: &str,
        purpose: Purpose,
    ) -> Result<Resolved, VaultError> {
        if let Some(resolved) = self.known(path, purpose) {
            return Ok(resolved);
        }
        let _turn = self.turn.lock().await;
        if let Some(resolved) = self.known(path, purpose) {
            return Ok(resolved);
        }
        let question = format!("sys/internal/ui/mounts/{path}");
        let call = Call { path: &question, token: Some(token), ..Call::default() };
        let as_written = || Resolved { path: path.to_owned(), kv2: None };
        match client.get(call).await {
            Ok(reply) => {
                let Some(mount) = reply.find(&["data", "path"]).and_then(Json::as_str) else { return Ok(as_written()) };
                let version = reply.find(&["data", "options", "version"]).and_then(Json::as_str);
                self.known
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(mount.to_owned(), version == Some("2"));
                Ok(self.known(path, purpose).unwrap_or_else(as_written))
            }
            // Not for this token, or an old server: the path is meant as written, and asked again next time.
            Err(error) if error.status().is_some_and(|status| status.is_client_error()) => {
                if error.is_forbidden() {
                    tracing::debug!(%error, path, "the mount cannot be looked at; the path is used as written");
                }
                Ok(as_written())
            }
            Err(error) => Err(error),
        }
    }

    fn known(&self, path: &str, purpose: Purpose) -> Option<Resolved> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let with_slash = format!("{path}/");
        let (mount, kv2) = known.iter().find(|(mount, _)| with_slash.starts_with(mount.as_str()))?;
        if !kv2 {
            return Some(Resolved { path: path.to_owned(), kv2: None });
        }
        let rest = path.get(mount.len()..).unwrap_or_default();
        Some(Resolved { path: physical(mount, rest, purpose), kv2: Some(mount.clone()) })
    }
}

/// Where a path of a KV v2 mount really is. A secret whose own name begins with `data/` needs the long form, as in
/// Vault Agent.
fn physical(mount: &str, rest: &str, purpose: Purpose) -> String {
    let explicit = ["data", "metadata", "subkeys"].iter().any(|part| {
        rest.strip_prefix(part)
            .is_some_and(|after| after.starts_with('/') || (after.is_empty() && purpose == Purpose::List))
    });
    match purpose {
        _ if explicit => format!("{mount}{rest}"),
        Purpose::Data if rest.is_empty() => format!("{mount}data"),
        Purpose::List if rest.is_empty() => format!("{mount}metadata"),
        Purpose::Data => format!("{mount}data/{rest}"),
        Purpose::List => format!("{mount}metadata/{rest}"),
    }
}

/// The mount of a path in the long form `mount/data/name`, which needs no question.
pub(super) fn long_form(path: &str) -> Option<&str> {
    let (mount, rest) = path.split_once('/')?;
    let name = rest.strip_prefix("data/")?;
    (!mount.is_empty() && !name.is_empty()).then_some(mount)
}

/// Where the metadata of a KV v2 secret is, from the path of its data.
pub(super) fn metadata(mount: &str, data_path: &str) -> Option<String> {
    let mount = mount.trim_end_matches('/');
    let name = data_path.strip_prefix(mount)?.strip_prefix("/data/")?;
    Some(format!("{mount}/metadata/{name}"))
}

#[cfg(test)]
mod tests;
