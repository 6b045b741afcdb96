//! Makes a server equal to a desired set of policies and roles, and touches nothing else.
//!
//! Ownership is written where it holds: the text of an owned policy begins with `# managed by blinkchamber: OWNER`, and
//! below it names the roles that were made for it. What is not recorded there belongs to somebody else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::compile::Compiled;
use crate::role::Role;

mod details;
mod plan;
mod record;
#[cfg(test)]
mod tests;
mod vault;

pub use plan::{Action, Change, Diff, Object};
pub use vault::{Credential, Vault, VaultError, last_cause, trusting};

/// What a server shall have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Desired {
    /// Who owns it: one line of text, the same at every apply, such as the release's name.
    pub owner: String,
    /// HCL text by policy name.
    pub policies: BTreeMap<String, String>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
}

impl Desired {
    /// What was compiled, for an owner.
    #[must_use]
    pub fn new(owner: impl Into<String>, compiled: Compiled) -> Self {
        Self { owner: owner.into(), policies: compiled.policies, roles: compiled.roles }
    }
}

/// What an apply may do beyond creating and updating what it owns.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Take over objects of the same name that somebody else made.
    pub adopt: bool,
    /// Remove owned objects that are not desired any more.
    pub prune: bool,
}

/// HTTP methods of the API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `LIST`
    List,
    /// `POST`
    Post,
}

impl Method {
    /// The word of the request line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::List => "LIST",
            Self::Post => "POST",
        }
    }
}

/// A server that answers requests with a token of its own.
pub trait Server {
    /// Makes one request to the API below `/v1/`.
    ///
    /// The answer is the whole body (`null` for an empty one), or `None` for 404: there is nothing at the path.
    ///
    /// # Errors
    /// Any other status, and no answer at all.
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, ServerError>;
}

/// A request that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{} {path}: {reason}", method.word())]
pub struct ServerError {
    /// Method of the request.
    pub method: Method,
    /// Path below `/v1/`.
    pub path: String,
    /// HTTP status, when the server refused; none without a usable answer.
    pub status: Option<u16>,
    /// The server's messages, or why there was no answer; never a token.
    pub reason: String,
}

impl ServerError {
    /// Whether the same request may succeed later with nobody doing anything: no answer or no leader yet, sealed,
    /// overloaded, or a fresh mount that is still being prepared.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.status {
            None | Some(300..=399 | 412 | 429 | 472 | 473 | 500..) => true,
            Some(400) => self.reason.contains("Upgrading"),
            Some(_) => false,
        }
    }
}

/// Why a server is not what it should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Objects with a desired name are somebody else's. Nothing was changed.
    #[error("{}", .0.iter().map(|one| format!("{one} exists and is not ours")).collect::<Vec<_>>().join("\n"))]
    Foreign(Vec<String>),
    /// What is desired cannot be. Nothing was changed.
    #[error("{0}")]
    Undesirable(String),
    /// The server refused a request, or gave no answer.
    #[error("{error}{}", if *.done == 0 { String::new() } else { format!(" ({done} changes were made before; apply again to go on)") })]
    Server {
        /// The request.
        error: ServerError,
        /// Changes that were made before.
        done: usize,
    },
}

/// Finds what has to change, without changing it.
///
/// # Errors
/// [`ApplyError`], always with nothing changed.
pub fn diff(server: &impl Server, desired: &Desired, options: ApplyOptions) -> Result<Diff, ApplyError> {
    plan::plan(server, desired, options)
}

/// Makes the changes of a diff: policies and roles are written before anything is removed, and the first failure ends it.
/// Doing it again goes on where it ended.
///
/// # Errors
/// [`ApplyError::Server`] with the number of changes made before.
pub fn execute(server: &impl Server, diff: &Diff) -> Result<(), ApplyError> {
    for (done, change) in diff.changes.iter().enumerate() {
        let (method, path, body) = match &change.request {
            plan::Write::Delete { path } => (Method::Delete, path, None),
            plan::Write::Policy { path, text, version } => {
                let mut body = json!({ "policy": text });
                if let (Value::Object(body), Some(version)) = (&mut body, version) {
                    body.insert("cas".to_owned(), json!(version));
                }
                (Method::Post, path, Some(body))
            }
            plan::Write::Role { path, body } => (Method::Post, path, Some(body.clone())),
        };
        server.call(method, path, body.as_ref()).map_err(|error| ApplyError::Server { error, done })?;
    }
    Ok(())
}

/// [`diff`] and [`execute`] in one.
///
/// # Errors
/// Those of the two.
pub fn apply(server: &impl Server, desired: &Desired, options: ApplyOptions) -> Result<Diff, ApplyError> {
    let diff = diff(server, desired, options)?;
    execute(server, &diff)?;
    Ok(diff)
}
