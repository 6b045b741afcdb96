//! A Lease of Kubernetes.
//!
//! Whether a holder is gone is judged by our own clock: he is when his entry has not changed for as long as it is valid.
//! Clocks of nodes differ, so the time that he wrote himself says nothing.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::config::Election;
use crate::files;

pub(super) struct Lease {
    http: Client,
    url: String,
    token_file: PathBuf,
    identity: String,
    term: Duration,
    seen: Option<(String, Instant)>,
}

impl Lease {
    pub(super) fn new(settings: &Election, identity: &str) -> Result<Self, String> {
        let (namespace, name) = settings.lease.as_deref().and_then(|lease| lease.split_once('/')).unwrap_or_default();
        let secure = settings.api_address.starts_with("https:");
        let builder =
            files::http(Some(settings.api_ca_file.as_path()).filter(|_| secure)).map_err(|error| error.to_string())?;
        Ok(Self {
            http: builder.build().map_err(|error| error.to_string())?,
            url: format!(
                "{}/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}",
                settings.api_address.trim_end_matches('/')
            ),
            token_file: settings.api_token_file.clone(),
            identity: identity.to_owned(),
            term: settings.term.0,
            seen: None,
        })
    }

    pub(super) async fn hold(&mut self, now: Instant) -> Result<bool, String> {
        let (_, found) = self.ask(Method::GET, None).await?;
        let holder = text(&found, "/spec/holderIdentity").to_owned();
        if holder != self.identity && !holder.is_empty() && !self.is_stale(&found, now) {
            return Ok(false);
        }
        let moment = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let mut spec = json!({"holderIdentity": self.identity, "renewTime": moment,
                              "leaseDurationSeconds": self.term.as_secs().max(1)});
        if holder != self.identity
            && let Some(spec) = spec.as_object_mut()
        {
            let before = found.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or_default();
            spec.insert("acquireTime".into(), json!(moment));
            spec.insert("leaseTransitions".into(), json!(before + 1));
        }
        // With the version, only one of two that try at once gets it.
        let version = text(&found, "/metadata/resourceVersion");
        let body = json!({"metadata": {"resourceVersion": version}, "spec": spec});
        let (status, _) = self.ask(Method::PATCH, Some(&body)).await?;
        Ok(status != StatusCode::CONFLICT || holder == self.identity)
    }

    pub(super) async fn release(&self) -> Result<(), String> {
        let (_, found) = self.ask(Method::GET, None).await?;
        if text(&found, "/spec/holderIdentity") != self.identity {
            return Ok(());
        }
        let version = text(&found, "/metadata/resourceVersion");
        let body = json!({"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}});
        self.ask(Method::PATCH, Some(&body)).await.map(drop)
    }

    fn is_stale(&mut self, found: &Value, now: Instant) -> bool {
        let entry = format!("{} {}", text(found, "/spec/holderIdentity"), text(found, "/spec/renewTime"));
        match &self.seen {
            Some((known, since)) if *known == entry => now.saturating_duration_since(*since) >= self.term,
            _ => {
                self.seen = Some((entry, now));
                false
            }
        }
    }

    /// The token is read each time: the kubelet replaces it.
    async fn ask(&self, method: Method, body: Option<&Value>) -> Result<(StatusCode, Value), String> {
        let token = files::secret(&self.token_file).map_err(|error| error.to_string())?;
        let mut request = self.http.request(method, &self.url).bearer_auth(token.as_str());
        if let Some(body) = body {
            request = request.header("content-type", "application/merge-patch+json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("Lease: {error}"))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| format!("Lease: {error}"))?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() || status == StatusCode::CONFLICT {
            return Ok((status, value));
        }
        Err(format!("Lease {}: {status}: {}", self.url, text(&value, "/message")))
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
