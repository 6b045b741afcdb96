//! How long an answer is good, read from the answer itself.

use std::time::Duration;

use blinkchamber_templates::{Dependency, Json};

use super::certificate;

/// How long an answer is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Term {
    /// A lease that the server keeps.
    Leased {
        /// Id of the lease.
        id: String,
        /// Its length.
        lease: Duration,
        /// Whether it can be renewed.
        renewable: bool,
    },
    /// Rotated by the server after this; `None` when the server says that it is due.
    Rotating(Option<Duration>),
    /// Nobody says: look again after the static interval.
    Static,
    /// Ends after this and cannot be renewed: a certificate, a secret id, a token.
    Until(Duration),
    /// Version of a KV v2 secret: its metadata tells whether there is a newer one.
    Versioned(Version),
}

/// What tells one state of a KV v2 secret from the next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Version {
    /// Number of the version.
    number: u64,
    /// When it was written: a secret that was removed whole and written anew begins at version 1 again.
    created: String,
    /// `custom_metadata`, which a template may print and which has no version.
    custom: Vec<(String, String)>,
}

impl Version {
    /// The version that a read gave, from `data.metadata`.
    fn of_read(data: &Json) -> Option<Self> {
        let metadata = data.get("metadata")?;
        data.get("data")?;
        let created = text(metadata, "created_time");
        Some(Self { number: metadata.get("version")?.as_u64()?, created, custom: custom(metadata) })
    }

    /// The current version, from the `data` of a metadata read; `None` when it is deleted or unknown.
    pub(super) fn current(data: &Json) -> Option<Self> {
        let number = data.get("current_version")?.as_u64()?;
        let version = data.get("versions")?.get(&number.to_string())?;
        let destroyed = version.get("destroyed").and_then(Json::as_bool).unwrap_or_default();
        if destroyed || !text(version, "deletion_time").is_empty() {
            return None;
        }
        Some(Self { number, created: text(version, "created_time"), custom: custom(data) })
    }
}

/// Reads the term of an answer; `now` in seconds since 1970.
pub(super) fn of(dependency: &Dependency, body: &Json, now: u64) -> Term {
    let seconds = |value: Option<&Json>| value.and_then(Json::as_u64).map(Duration::from_secs);
    let lease = seconds(body.get("lease_duration")).unwrap_or_default();
    if let Some(id) = body.get("lease_id").and_then(Json::as_str).filter(|id| !id.is_empty()) {
        let renewable = body.get("renewable").and_then(Json::as_bool).unwrap_or_default();
        return Term::Leased { id: id.to_owned(), lease, renewable };
    }
    if let Some(auth) = body.get("auth")
        && let Some(lease) = seconds(auth.get("lease_duration")).filter(|lease| !lease.is_zero())
    {
        return Term::Until(lease);
    }
    let Some(data) = body.get("data") else { return Term::Static };
    if data.get("rotation_period").is_some() || data.get("rotation_schedule").is_some() {
        let ttl = data.get("ttl").and_then(Json::as_u64).filter(|ttl| *ttl > 0);
        return Term::Rotating(ttl.map(Duration::from_secs));
    }
    if let Some(certificate) = data.get("certificate")
        && let Some(expiration) = data.get("expiration").and_then(Json::as_u64)
    {
        let left = Duration::from_secs(expiration.saturating_sub(now));
        let life = certificate.as_str().and_then(certificate::life);
        return Term::Until(life.map_or(left, |life| plausible(left, life)));
    }
    if data.get("secret_id").is_some()
        && let Some(ttl) = seconds(data.get("secret_id_ttl")).filter(|ttl| !ttl.is_zero())
    {
        return Term::Until(ttl);
    }
    match dependency {
        // A read of a given version never changes; it is looked at like any static secret all the same, it may be deleted.
        Dependency::Read { path } if !path.contains('?') => {
            Version::of_read(data).map_or(Term::Static, Term::Versioned)
        }
        _ => Term::Static,
    }
}

/// What is left of a certificate that was just issued. When our clock is so wrong that it would be over already, or good
/// for longer than it lives, the life alone is believed.
fn plausible(left: Duration, life: Duration) -> Duration {
    if left.is_zero() { life } else { left.min(life) }
}

fn text(json: &Json, key: &str) -> String {
    json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn custom(metadata: &Json) -> Vec<(String, String)> {
    match metadata.get("custom_metadata") {
        Some(Json::Object(members)) => {
            members.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
