//! The API server, as far as bootstrapping needs it: a few objects by their path, with the pod's own token.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Failure;
use crate::server::{Authorities, client, describe};

const PATIENCE: Duration = Duration::from_secs(10);

/// How to reach the API server.
#[derive(Clone, clap::Args)]
#[group(skip)]
pub struct Options {
    /// URL of the API server.
    #[arg(long, env = "BLINKCHAMBER_API_ADDRESS", default_value = "https://kubernetes.default.svc")]
    pub api_address: String,
    /// The pod's token for the API server.
    #[arg(long, env = "BLINKCHAMBER_API_TOKEN_FILE", default_value = "/run/api/token")]
    pub api_token_file: PathBuf,
    /// PEM file with the API server's authority.
    #[arg(long, env = "BLINKCHAMBER_API_CA_FILE", default_value = "/run/api/ca.crt")]
    pub api_ca_file: PathBuf,
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: {reason}")]
pub struct ApiError {
    method: Method,
    path: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    reason: String,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// The API server.
pub struct Api {
    http: Client,
    base: String,
    token_file: PathBuf,
}

impl Api {
    /// Prepares requests.
    ///
    /// # Errors
    /// [`Failure::Configuration`] for an unusable authority file.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let secure = options.api_address.starts_with("https:");
        let authorities = secure.then(|| Authorities::read(&options.api_ca_file)).transpose()?;
        Ok(Self {
            http: client(authorities.as_ref(), PATIENCE)?,
            base: options.api_address.trim_end_matches('/').to_owned(),
            token_file: options.api_token_file.clone(),
        })
    }

    /// One object.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.request(Method::GET, path, "application/json", None)
    }

    /// A merge patch; one with a `resourceVersion` fails with 409 when the object has changed since.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.request(Method::PATCH, path, "application/merge-patch+json", Some(body))
    }

    /// A new object below the path of its kind.
    ///
    /// # Errors
    /// [`ApiError`]; 409 when it is there already.
    pub fn create(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.request(Method::POST, path, "application/json", Some(body))
    }

    fn request(&self, method: Method, path: &str, kind: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let failed =
            |status, reason| ApiError { method: method.clone(), path: format!("{}{path}", self.base), status, reason };
        // Read anew each time: the kubelet replaces it.
        let token = fs::read_to_string(&self.token_file).map(Zeroizing::new);
        let token = token.map_err(|error| failed(None, format!("{}: {error}", self.token_file.display())))?;
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let response = request.send().map_err(|error| failed(None, describe(&error)))?;
        let status = response.status();
        let answer: Value = response.json().map_err(|error| failed(Some(status.as_u16()), describe(&error)))?;
        if status.is_success() {
            return Ok(answer);
        }
        let message = answer.get("message").and_then(Value::as_str).unwrap_or("no message");
        Err(failed(Some(status.as_u16()), format!("{status}: {message}")))
    }
}

/// Namespace and name of `namespace/name`.
///
/// # Errors
/// [`Failure::Configuration`] naming the flag.
pub fn namespaced<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once('/')
        .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains('/'))
        .ok_or_else(|| Failure::Configuration(format!("{flag} {text:?}: must be namespace/name")))
}

/// `namespace/name` as the path of a ConfigMap.
///
/// # Errors
/// [`Failure::Configuration`] naming the flag.
pub fn config_map(flag: &str, text: &str) -> Result<String, Failure> {
    let (namespace, name) = namespaced(flag, text)?;
    Ok(format!("/api/v1/namespaces/{namespace}/configmaps/{name}"))
}

#[cfg(test)]
pub(crate) mod tests;
