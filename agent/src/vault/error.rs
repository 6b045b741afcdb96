//! What can go wrong with a request, said without what was sent or answered.

use std::time::Duration;

use http::StatusCode;

/// A request that did not give an answer one can use.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: {kind}")]
pub struct VaultError {
    /// Method of the request.
    pub method: &'static str,
    /// Path of the request below `/v1/`, without its query.
    pub path: String,
    /// What went wrong.
    pub kind: VaultErrorKind,
}

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultErrorKind {
    /// The answer's body is cut short or is not the JSON it must be.
    #[error("the answer is not usable: {0}")]
    Body(String),
    /// No connection, or it broke.
    #[error("cannot talk to the server: {0}")]
    Connection(String),
    /// The request cannot be made as asked.
    #[error("not a request that can be made: {0}")]
    Request(String),
    /// The server said no.
    #[error("the server answered {status}{}", joined(.errors))]
    Status {
        /// HTTP status.
        status: StatusCode,
        /// The server's `errors`; the API keeps secrets out of them.
        errors: Vec<String>,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The answer is larger than the limit, in bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl VaultError {
    /// The HTTP status, when the server answered with one that is not a success.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.kind {
            VaultErrorKind::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            VaultErrorKind::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the server refused what the token (or the login) asked for.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// Whether nothing is there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether one of the server's messages contains `text`.
    pub fn says(&self, text: &str) -> bool {
        match &self.kind {
            VaultErrorKind::Status { errors, .. } => errors.iter().any(|error| error.contains(text)),
            _ => false,
        }
    }

    /// Whether the request did not get through at all, so that address and trust are worth a second look.
    pub fn is_transport(&self) -> bool {
        matches!(self.kind, VaultErrorKind::Connection(_) | VaultErrorKind::Timeout(_))
    }
}

fn joined(errors: &[String]) -> String {
    if errors.is_empty() { String::new() } else { format!(": {}", errors.join("; ")) }
}
