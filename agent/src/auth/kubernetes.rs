//! The Kubernetes method: the pod's service account token against a role.

use std::path::PathBuf;

use serde::Serialize;

use super::{Grant, Login, LoginError, file, show};
use crate::vault::Client;

/// Where the kubelet mounts the token unless told otherwise.
pub(crate) const DEFAULT_TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Settings of the method.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Kubernetes {
    /// Role to log in with.
    pub(crate) role: String,
    /// File of the service account token.
    pub(crate) token_path: PathBuf,
}

/// The body of the login.
#[derive(Serialize)]
struct Body<'a> {
    role: &'a str,
    jwt: &'a str,
}

impl Kubernetes {
    pub(super) async fn login(&self, client: &Client, login: &Login) -> Result<Grant, LoginError> {
        let jwt = file::read(&self.token_path, "the service account token")?;
        show(client, login, &Body { role: &self.role, jwt: &jwt }).await
    }
}
