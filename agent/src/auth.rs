//! Logging in: what each method sends, and what comes back.

use std::{path::PathBuf, time::Duration};

use blinkchamber_templates::Json;
use http::StatusCode;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::vault::{Call, Client, Reply, Token, VaultError};

pub(crate) use self::{
    approle::AppRole,
    kubernetes::{DEFAULT_TOKEN_PATH, Kubernetes},
    token_file::TokenFile,
};

mod approle;
mod file;
mod kubernetes;
mod token_file;

#[cfg(test)]
mod tests;

/// How to log in.
pub(crate) struct Login {
    /// Mount of the auth method, such as `auth/kubernetes`.
    pub(crate) mount: String,
    /// Namespace of the login when it is not the client's.
    pub(crate) namespace: Option<String>,
    /// What to show.
    pub(crate) method: Method,
}

/// What to show.
#[non_exhaustive]
pub(crate) enum Method {
    /// Role id and secret id from files.
    AppRole(AppRole),
    /// The pod's service account token.
    Kubernetes(Kubernetes),
    /// A token that somebody else obtained.
    TokenFile(TokenFile),
}

/// What a login gave.
pub(crate) struct Grant {
    /// The token.
    pub(crate) token: Token,
    /// How long it lives; `None` for ever.
    pub(crate) ttl: Option<Duration>,
    /// Whether that can be prolonged.
    pub(crate) renewable: bool,
    /// Whether the login made it, so that it is ours to revoke.
    pub(crate) ours: bool,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoginError {
    /// The answer has no token in it.
    #[error("the server's answer to the login holds no usable token")]
    Answer,
    /// What is shown cannot be written as JSON.
    #[error("the login cannot be written as JSON")]
    Body(#[source] serde_json::Error),
    /// A file that the method needs.
    #[error("cannot read {what} from {}: {reason}", path.display())]
    File {
        /// What was to be read.
        what: &'static str,
        /// From where.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The server said no, or nothing.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl LoginError {
    /// Whether trying again soon is of no use: somebody must change a role, a policy or a file.
    pub(crate) fn is_configuration(&self) -> bool {
        match self {
            Self::Answer => false,
            Self::Body(_) | Self::File { .. } => true,
            Self::Vault(error) => {
                matches!(error.status(), Some(StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND))
            }
        }
    }

    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Vault(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl Login {
    /// Logs in once. Files are read anew each time: the kubelet replaces the service account token.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or the server does not give a token.
    pub(crate) async fn perform(&self, client: &Client) -> Result<Grant, LoginError> {
        match &self.method {
            Method::AppRole(method) => method.login(client, self).await,
            Method::Kubernetes(method) => method.login(client, self).await,
            Method::TokenFile(method) => method.login(client).await,
        }
    }
}

/// Sends what a method shows, in memory that is wiped.
async fn show(client: &Client, login: &Login, what: &impl Serialize) -> Result<Grant, LoginError> {
    let body = serde_json::to_vec(what).map_err(LoginError::Body)?;
    let path = format!("{}/login", login.mount);
    let namespace = login.namespace.as_deref();
    let call = Call { path: &path, body: Some(Zeroizing::new(body)), namespace, ..Call::default() };
    grant(&client.put(call).await?)
}

/// Reads `auth` of a login's answer.
fn grant(reply: &Reply) -> Result<Grant, LoginError> {
    let auth = |key| reply.find(&["auth", key]);
    let token = auth("client_token").and_then(Json::as_str).and_then(Token::new).ok_or(LoginError::Answer)?;
    let seconds = auth("lease_duration").and_then(Json::as_u64).unwrap_or_default();
    let renewable = auth("renewable").and_then(Json::as_bool).unwrap_or_default();
    Ok(Grant { token, ttl: (seconds > 0).then(|| Duration::from_secs(seconds)), renewable, ours: true })
}
