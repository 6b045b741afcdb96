//! The three requests to the Kubernetes API server that a Lease needs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::record::Record;
use crate::vault::{self, Http, TlsError, Trust};

/// A Lease is some hundred bytes, a refusal not much more.
const ANSWER_LIMIT: usize = 256 * 1024;
/// How much of a refusal is told.
const TOLD: usize = 300;

/// Why the Lease could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    /// A file of the credentials.
    #[error("cannot read {}: {source}", path.display())]
    Credentials {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The authority of the API server.
    #[error("the API server's authority: {0}")]
    Trust(#[from] TlsError),
    /// No connection, or it broke.
    #[error("cannot talk to the API server: {0}")]
    Connection(String),
    /// No answer in time.
    #[error("no answer from the API server within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The request cannot be made.
    #[error("not a request that can be made: {0}")]
    Request(String),
    /// The API server says no.
    #[error("the API server answered {status}: {message}")]
    Refused { status: StatusCode, message: String },
    /// The answer is no Lease.
    #[error("the API server's answer is not a Lease")]
    Answer,
}

/// Asks the API server for one Lease.
pub(super) struct Api {
    server: String,
    name: String,
    credentials: PathBuf,
    limit: Duration,
    /// Made when it is needed, and again after a failure: the authority's file may have changed.
    http: Mutex<Option<Http>>,
}

impl Api {
    pub(super) fn new(server: &str, name: &str, credentials: &Path, limit: Duration) -> Self {
        let (server, name) = (server.trim_end_matches('/').to_owned(), name.to_owned());
        Self { server, name, credentials: credentials.to_path_buf(), limit, http: Mutex::new(None) }
    }

    /// The pod's name. It survives a restart of the agent, which goes on with a Lease that it holds.
    pub(super) fn holder(&self) -> Result<String, LeaseError> {
        self.read("pod").map(|text| text.trim().to_owned())
    }

    /// The Lease; `None` when there is none.
    pub(super) async fn get(&self) -> Result<Option<Record>, LeaseError> {
        match self.send(Method::GET, &format!("/{}", self.name), None).await {
            Ok(value) => Record::of(value).map(Some).ok_or(LeaseError::Answer),
            Err(LeaseError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the Lease; false when somebody else just did.
    pub(super) async fn create(&self, record: Record) -> Result<bool, LeaseError> {
        written(self.send(Method::POST, "", Some(record.text())).await)
    }

    /// Writes the Lease; false when it is not any more what was read.
    pub(super) async fn replace(&self, record: Record) -> Result<bool, LeaseError> {
        written(self.send(Method::PUT, &format!("/{}", self.name), Some(record.text())).await)
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Value, LeaseError> {
        let request = self.request(method, path, body)?;
        let http = self.http()?;
        let exchange = async {
            let response = http.request(request).await;
            let response = response.map_err(|error| LeaseError::Connection(vault::chain(&error)))?;
            let status = response.status();
            let bytes = vault::read_body(response.into_body(), ANSWER_LIMIT).await;
            let bytes = bytes.map_err(|error| LeaseError::Connection(error.to_string()))?;
            let value: Option<Value> = serde_json::from_slice(&bytes).ok();
            if status.is_success() {
                return value.ok_or(LeaseError::Answer);
            }
            let message = value.as_ref().and_then(|value| value.get("message")?.as_str()).unwrap_or("no reason given");
            Err(LeaseError::Refused { status, message: message.chars().take(TOLD).collect() })
        };
        let outcome = timeout(self.limit, exchange).await.unwrap_or(Err(LeaseError::Timeout(self.limit)));
        if matches!(outcome, Err(LeaseError::Connection(_) | LeaseError::Timeout(_))) {
            *self.http.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        outcome
    }

    fn request(&self, method: Method, path: &str, body: Option<String>) -> Result<Request<Full<Bytes>>, LeaseError> {
        let namespace = self.read("namespace")?;
        let token = self.read("token")?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.trim()));
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_invalid| LeaseError::Request("the token cannot be a header".to_owned()))?;
        bearer.set_sensitive(true);
        let (server, namespace) = (&self.server, namespace.trim());
        let url = format!("{server}/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases{path}");
        Request::builder()
            .method(method)
            .uri(url)
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.unwrap_or_default()))
            .map_err(|error| LeaseError::Request(error.to_string()))
    }

    fn http(&self) -> Result<Http, LeaseError> {
        let mut kept = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = &*kept {
            return Ok(http.clone());
        }
        let trust = Trust { ca_file: Some(self.credentials.join("ca.crt")), ..Trust::default() };
        let fresh = vault::pool(trust.load()?, None, self.limit, None);
        Ok(kept.insert(fresh).clone())
    }

    /// Read anew each time: the kubelet replaces the token.
    fn read(&self, name: &str) -> Result<Zeroizing<String>, LeaseError> {
        let path = self.credentials.join(name);
        let text = fs::read_to_string(&path).map_err(|source| LeaseError::Credentials { path, source })?;
        Ok(Zeroizing::new(text))
    }
}

/// Whether a write came through, or somebody else was faster.
fn written(outcome: Result<Value, LeaseError>) -> Result<bool, LeaseError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(LeaseError::Refused { status: StatusCode::CONFLICT, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
