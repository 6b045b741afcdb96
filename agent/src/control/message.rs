//! What goes over the socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest request line, in bytes.
pub(crate) const MAX_REQUEST: usize = 1024;

/// What is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum Request {
    /// Is every file in place?
    Ready,
    /// How are you?
    Status,
    /// Look at all static secrets now.
    Refresh,
}

/// A line that is no request.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BadRequest {
    /// Not JSON, or no request that this agent knows.
    #[error(r#"not a request; send a line such as {{"request":"ready"}} (or "status", "refresh")"#)]
    Unknown,
    /// No end of line within the limit.
    #[error("the line is longer than {MAX_REQUEST} bytes")]
    TooLong,
}

impl Request {
    /// Reads a line, with or without its end.
    ///
    /// # Errors
    ///
    /// When it is too long or not a request.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, BadRequest> {
        let line = line.trim_ascii();
        if line.len() > MAX_REQUEST {
            return Err(BadRequest::TooLong);
        }
        serde_json::from_slice(line).map_err(|_invalid| BadRequest::Unknown)
    }
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "response", rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum Response {
    /// To [`Request::Ready`].
    Ready(Readiness),
    /// To [`Request::Status`].
    Status {
        /// What the agent tells about itself.
        status: Value,
    },
    /// To [`Request::Refresh`]: all was looked at.
    Refreshed,
    /// The request could not be answered.
    Error {
        /// Why.
        message: String,
    },
}

impl Response {
    /// The exit code that a program gives for this answer: 0, 1 when not ready, 3 when the agent could not answer.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Ready(readiness) => u8::from(!readiness.ready),
            Self::Status { .. } | Self::Refreshed => 0,
            Self::Error { .. } => 3,
        }
    }
}

/// Whether every file is in place.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Readiness {
    /// Whether it is so.
    pub(crate) ready: bool,
    /// What is missing, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// One message as the line that is sent.
pub(super) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}
