//! OpenBao's HTTP API, as far as bootstrapping needs it.
//!
//! Redirects are not followed: a standby's answer may lead past the Service, and the token must not travel along. The
//! caller tries again, and the Service leads to another pod.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::Failure;

/// A request that failed. Names the operation and the path; bodies are never part of it.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: {reason}")]
pub struct RequestError {
    /// HTTP method.
    pub method: &'static str,
    /// Path below `/v1/`.
    pub path: String,
    /// What went wrong.
    pub reason: Reason,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// No answer.
    #[error("{0}")]
    Network(String),
    /// An answer other than 2xx, with the server's own messages.
    #[error("{status}: {}", if messages.is_empty() { "no message".to_owned() } else { messages.join("; ") })]
    Status {
        /// HTTP status.
        status: u16,
        /// `errors` of the answer.
        messages: Vec<String>,
    },
    /// A 2xx whose body is not JSON, or lacks what was asked for.
    #[error("unexpected answer: {0}")]
    Answer(&'static str),
}

impl RequestError {
    /// The status, when there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.reason {
            Reason::Status { status, .. } => Some(status),
            Reason::Network(_) | Reason::Answer(_) => None,
        }
    }

    /// Whether the same request may succeed later with nobody doing anything: no leader yet, sealed, overloaded, or a
    /// fresh mount that is still being prepared.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.reason {
            Reason::Network(_) | Reason::Answer(_) => true,
            Reason::Status { status: 300..=399 | 412 | 429 | 472 | 473 | 500.., .. } => true,
            Reason::Status { status: 400, messages } => messages.iter().any(|message| message.contains("Upgrading")),
            Reason::Status { .. } => false,
        }
    }
}

/// What a request does. `LIST` is no method of HTTP's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `LIST`
    List,
    /// `POST`
    Post,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::List => "LIST",
            Self::Post => "POST",
        }
    }
}

/// A connection to one server, with or without a token. No `Debug`: it holds one.
pub struct Server {
    http: Client,
    base: String,
    token: Option<SecretString>,
}

impl Server {
    /// Prepares requests to `address` (`http://...` or `https://...`).
    ///
    /// # Errors
    /// [`Failure::Configuration`] for an unusable address or authority.
    pub fn new(address: &str, authorities: Option<&Authorities>, timeout: Duration) -> Result<Self, Failure> {
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(Failure::Configuration(format!("address {address:?}: must start with http:// or https://")));
        }
        Ok(Self { http: client(authorities, timeout)?, base: address.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same server, with a token for every further request.
    #[must_use]
    pub fn with_token(self, token: SecretString) -> Self {
        Self { token: Some(token), ..self }
    }

    /// URL of the server.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base
    }

    /// The token in use, if any.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// `GET`; `None` for 404.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(&self, path: &str) -> Result<Option<Value>, RequestError> {
        match self.request(Verb::Get, path, None) {
            Err(error) if error.status() == Some(404) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn write(&self, path: &str, body: &Value) -> Result<Value, RequestError> {
        self.request(Verb::Post, path, Some(body))
    }

    /// Any request; `null` for an empty answer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn request(&self, verb: Verb, path: &str, body: Option<&Value>) -> Result<Value, RequestError> {
        let failed = |reason| RequestError { method: verb.word(), path: path.to_owned(), reason };
        let method = Method::from_bytes(verb.word().as_bytes()).unwrap_or_default();
        let mut request =
            self.http.request(method, format!("{}/v1/{path}", self.base)).header("X-Vault-Request", "true");
        if let Some(token) = &self.token {
            request = request.header("X-Vault-Token", token.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().map_err(|error| failed(Reason::Network(describe(&error))))?;
        let status = response.status().as_u16();
        let text = response.text().map_err(|error| failed(Reason::Network(describe(&error))))?;
        let parsed: Option<Value> =
            if text.trim().is_empty() { Some(Value::Null) } else { serde_json::from_str(&text).ok() };
        if !(200..300).contains(&status) {
            return Err(failed(Reason::Status { status, messages: messages(parsed.as_ref()) }));
        }
        parsed.ok_or_else(|| failed(Reason::Answer("not JSON")))
    }
}

/// Whose certificates are trusted: PEM, and where it is from.
pub struct Authorities {
    pem: Vec<u8>,
    source: String,
}

impl Authorities {
    /// From a text; it is checked where it is used.
    #[must_use]
    pub fn new(pem: &[u8], source: &str) -> Self {
        Self { pem: pem.to_owned(), source: source.to_owned() }
    }

    /// From a file.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let source = format!("authority file {}", path.display());
        let pem = fs::read(path).map_err(|error| Failure::Configuration(format!("{source}: {error}")))?;
        Ok(Self { pem, source })
    }

    fn roots(&self) -> Result<RootCertStore, Failure> {
        let unusable = |why: String| Failure::Configuration(format!("{}: {why}", self.source));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.pem) {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if roots.is_empty() { Err(unusable("holds no certificate".to_owned())) } else { Ok(roots) }
    }
}

/// A client that trusts the given authorities only, follows nothing, and uses no proxy.
///
/// # Errors
/// [`Failure::Configuration`] when there is no certificate among the authorities.
pub fn client(authorities: Option<&Authorities>, timeout: Duration) -> Result<Client, Failure> {
    let built = client_builder(authorities, timeout)?.build();
    built.map_err(|error| Failure::Configuration(format!("HTTP client: {error}")))
}

/// The same, for a client that wants more.
///
/// # Errors
/// As [`client`].
pub fn client_builder(authorities: Option<&Authorities>, timeout: Duration) -> Result<ClientBuilder, Failure> {
    let roots = authorities.map(Authorities::roots).transpose()?.unwrap_or_else(RootCertStore::empty);
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Configuration(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session shows the certificate of its beginning, not the one the server has now.
    tls.resumption = Resumption::disabled();
    Ok(Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).no_proxy().timeout(timeout))
}

/// The last cause says what happened ("connection refused"); the first only repeats the URL.
#[must_use]
pub fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A member deep in an answer by its JSON pointer; null when there is none.
#[must_use]
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn messages(body: Option<&Value>) -> Vec<String> {
    let errors = body.and_then(|body| body.get("errors")).and_then(Value::as_array);
    errors.into_iter().flatten().filter_map(Value::as_str).map(|text| text.trim().replace(['\n', '\t'], " ")).collect()
}

#[cfg(test)]
mod tests;
