//! Which of several pods works: the holder of a Lease.
//!
//! Whether a holder is gone is judged by our own clock: he is when his entry has not changed for as long as it is valid.
//! Clocks of nodes differ, so the time that he wrote himself says nothing.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Failure;
use crate::kubernetes::{Api, ApiError, namespaced};
use crate::server::at;

#[cfg(test)]
mod tests;

/// For how long an entry is valid without being renewed.
pub const VALID: Duration = Duration::from_secs(15);

/// One Lease and what was seen of it.
pub struct Lease {
    api: Api,
    path: String,
    identity: String,
    seen: Option<(String, Instant)>,
}

impl Lease {
    /// The Lease `namespace/name`, for a pod of this name.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when the name is none.
    pub fn new(api: Api, name: &str, identity: &str) -> Result<Self, Failure> {
        let (namespace, name) = namespaced("--lease", name)?;
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
        Ok(Self { api, path, identity: identity.to_owned(), seen: None })
    }

    /// Takes the Lease or renews it, when it is ours or nobody's. Whether it is ours now.
    ///
    /// # Errors
    /// [`ApiError`]. Whoever cannot renew must not go on for longer than [`VALID`].
    pub fn hold(&mut self, now: Instant) -> Result<bool, ApiError> {
        let found = self.api.get(&self.path)?;
        let holder = at(&found, "/spec/holderIdentity").as_str().unwrap_or_default();
        if holder != self.identity && !holder.is_empty() && !self.is_stale(&found, now) {
            return Ok(false);
        }
        let moment = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let mut spec = json!({"holderIdentity": self.identity, "renewTime": moment,
                              "leaseDurationSeconds": VALID.as_secs()});
        if holder != self.identity
            && let Some(spec) = spec.as_object_mut()
        {
            spec.insert("acquireTime".to_owned(), json!(moment));
        }
        let version = at(&found, "/metadata/resourceVersion");
        match self.api.patch(&self.path, &json!({"metadata": {"resourceVersion": version}, "spec": spec})) {
            Ok(_) => Ok(true),
            // Somebody was faster, or only noted something: the next look tells.
            Err(error) if error.status == Some(409) => Ok(holder == self.identity),
            Err(error) => Err(error),
        }
    }

    /// Lets others work at once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn release(&self) -> Result<(), ApiError> {
        let found = self.api.get(&self.path)?;
        if at(&found, "/spec/holderIdentity") != self.identity.as_str() {
            return Ok(());
        }
        let version = at(&found, "/metadata/resourceVersion");
        let body = json!({"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}});
        self.api.patch(&self.path, &body).map(drop)
    }

    /// An annotation, where the holder notes what the others want to know.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn note(&self, key: &str) -> Result<Option<String>, ApiError> {
        let found = self.api.get(&self.path)?;
        Ok(at(&found, "/metadata/annotations").get(key).and_then(Value::as_str).map(str::to_owned))
    }

    /// Notes something.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn set_note(&self, key: &str, text: &str) -> Result<(), ApiError> {
        self.api.patch(&self.path, &json!({"metadata": {"annotations": {key: text}}})).map(drop)
    }

    fn is_stale(&mut self, found: &Value, now: Instant) -> bool {
        let entry = format!("{} {}", at(found, "/spec/holderIdentity"), at(found, "/spec/renewTime"));
        match &self.seen {
            Some((known, since)) if *known == entry => now.saturating_duration_since(*since) >= VALID,
            _ => {
                self.seen = Some((entry, now));
                false
            }
        }
    }
}
