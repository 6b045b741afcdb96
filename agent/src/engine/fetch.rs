//! Asks the server for one dependency.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use blinkchamber_templates::{Answer, Dependency, Json};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    mounts::{self, Mounts, Purpose, Resolved},
    term::{self, Term, Version},
};
use crate::vault::{Call, Client, Reply, Token, VaultError};

/// Makes requests for dependencies.
pub(super) struct Fetcher {
    client: Arc<Client>,
    mounts: Mounts,
    /// Paths whose metadata the policy does not show; their secrets are read whole.
    without_metadata: Mutex<BTreeSet<String>>,
}

/// What a dependency turned out to be.
pub(super) struct Fetched {
    pub(super) answer: Answer,
    pub(super) term: Term,
    /// Where its metadata is, when it is a KV v2 secret.
    pub(super) metadata: Option<String>,
}

/// Why a dependency could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The answer lacks what it must have.
    #[error("the answer from {path} holds no {what}")]
    Incomplete { path: String, what: &'static str },
    /// A local file.
    #[error("cannot read {path}: {reason}")]
    File { path: String, reason: String },
    /// Nothing is there, or it was deleted.
    #[error("no secret exists at {path}")]
    Missing { path: String },
    /// The server said no, or nothing.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Fetcher {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, mounts: Mounts::default(), without_metadata: Mutex::default() }
    }

    /// Reads, lists, writes or issues, as the dependency says.
    pub(super) async fn fetch(&self, dependency: &Dependency, token: &Token) -> Result<Fetched, FetchError> {
        match dependency {
            Dependency::File { path } => file(path),
            Dependency::List { path } => self.list(path, token).await,
            Dependency::PkiCert { path, data } => self.issue(dependency, path, data, token).await,
            Dependency::Read { path } => self.read(dependency, path, token).await,
            Dependency::Write { path, data } => self.write(dependency, path, data, token).await,
            // The enum may grow in its own crate before the agent learns of it.
            _ => Err(FetchError::Incomplete { path: String::new(), what: "known kind of dependency" }),
        }
    }

    /// Whether a KV v2 secret is still what it was, by its metadata alone; `None` when the policy does not show that.
    pub(super) async fn unchanged(
        &self,
        metadata: &str,
        version: &Version,
        token: &Token,
    ) -> Result<Option<bool>, FetchError> {
        if self.hidden(metadata) {
            return Ok(None);
        }
        match self.client.get(Call { path: metadata, token: Some(token), ..Call::default() }).await {
            Ok(reply) => Ok(Some(reply.body.get("data").and_then(Version::current).as_ref() == Some(version))),
            Err(error) if error.is_forbidden() => {
                let mut hidden = self.without_metadata.lock().unwrap_or_else(PoisonError::into_inner);
                hidden.insert(metadata.to_owned());
                Ok(None)
            }
            Err(error) if error.is_not_found() => Ok(Some(false)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the policy is known not to show this metadata.
    pub(super) fn hidden(&self, metadata: &str) -> bool {
        self.without_metadata.lock().unwrap_or_else(PoisonError::into_inner).contains(metadata)
    }

    /// Policies may have changed with the login.
    pub(super) fn forget_refusals(&self) {
        self.without_metadata.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Renews a lease by the server's default; how long it is good now.
    pub(super) async fn renew(&self, lease_id: &str, token: &Token) -> Result<Duration, VaultError> {
        let reply = self.put("sys/leases/renew", &json!({ "lease_id": lease_id }), token).await?;
        let seconds = reply.body.get("lease_duration").and_then(Json::as_u64);
        Ok(Duration::from_secs(seconds.unwrap_or_default()))
    }

    async fn read(&self, dependency: &Dependency, path: &str, token: &Token) -> Result<Fetched, FetchError> {
        let (bare, query) = path.split_once('?').map_or((path, None), |(bare, query)| (bare, Some(query)));
        let resolved = match mounts::long_form(bare) {
            Some(mount) => Resolved { path: bare.to_owned(), kv2: Some(mount.to_owned()) },
            None => self.mounts.resolve(&self.client, token, bare, Purpose::Data).await?,
        };
        let target = query.map_or_else(|| resolved.path.clone(), |query| format!("{}?{query}", resolved.path));
        let call = Call { path: &target, token: Some(token), ..Call::default() };
        let reply = match self.client.get(call).await {
            Ok(reply) => reply,
            Err(error) if error.is_not_found() => return Err(FetchError::Missing { path: resolved.path }),
            Err(error) => return Err(error.into()),
        };
        if matches!(reply.body.get("data"), None | Some(Json::Null)) && reply.body.get("auth").is_none() {
            return Err(FetchError::Missing { path: resolved.path });
        }
        let metadata = resolved.kv2.and_then(|mount| mounts::metadata(&mount, &resolved.path));
        Ok(secret(dependency, reply, metadata))
    }

    async fn write(
        &self,
        dependency: &Dependency,
        path: &str,
        data: &BTreeMap<String, String>,
        token: &Token,
    ) -> Result<Fetched, FetchError> {
        let resolved = self.mounts.resolve(&self.client, token, path, Purpose::Data).await?;
        let body = if resolved.kv2.is_some() { json!({ "data": data }) } else { json!(data) };
        let mut reply = self.put(&resolved.path, &body, token).await?;
        if matches!(reply.body, Json::Null) {
            reply.body = Json::Object(BTreeMap::new());
        }
        Ok(secret(dependency, reply, None))
    }

    async fn issue(
        &self,
        dependency: &Dependency,
        path: &str,
        data: &BTreeMap<String, String>,
        token: &Token,
    ) -> Result<Fetched, FetchError> {
        let reply = self.put(path, &json!(data), token).await?;
        let member = |name| reply.find(&["data", name]).and_then(Json::as_str).map(pem).unwrap_or_default();
        let cert = member("certificate");
        if cert.is_empty() {
            return Err(FetchError::Incomplete { path: path.to_owned(), what: "certificate" });
        }
        let term = term::of(dependency, &reply.body, unix_now());
        let answer = Answer::Certificate { cert, key: member("private_key"), ca: member("issuing_ca") };
        Ok(Fetched { answer, term, metadata: None })
    }

    async fn put(&self, path: &str, body: &Value, token: &Token) -> Result<Reply, VaultError> {
        let body = Some(Zeroizing::new(body.to_string().into_bytes()));
        self.client.put(Call { path, body, token: Some(token), ..Call::default() }).await
    }

    async fn list(&self, path: &str, token: &Token) -> Result<Fetched, FetchError> {
        let resolved = self.mounts.resolve(&self.client, token, path, Purpose::List).await?;
        let call = Call { path: &resolved.path, token: Some(token), ..Call::default() };
        let mut keys = match self.client.list(call).await {
            Ok(reply) => match reply.find(&["data", "keys"]) {
                Some(Json::Array(keys)) => keys.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            },
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        keys.sort_unstable();
        Ok(Fetched { answer: Answer::List(keys), term: Term::Static, metadata: None })
    }
}

/// The contents of a local file.
pub(super) fn file(path: &str) -> Result<Fetched, FetchError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Fetched { answer: Answer::File(bytes), term: Term::Static, metadata: None }),
        Err(error) => Err(FetchError::File { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn secret(dependency: &Dependency, reply: Reply, metadata: Option<String>) -> Fetched {
    let term = term::of(dependency, &reply.body, unix_now());
    Fetched { answer: Answer::Secret(reply.body), term, metadata }
}

fn pem(text: &str) -> String {
    let trimmed = text.trim_end();
    if trimmed.is_empty() { String::new() } else { format!("{trimmed}\n") }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
