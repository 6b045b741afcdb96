//! The Kubernetes method: the pod's service account token against a role.

use std::path::PathBuf;

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Grant, LoginError, file, grant};
use crate::vault::{Call, Client};

/// Where the kubelet mounts the token unless told otherwise.
pub const DEFAULT_TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Settings of the method.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kubernetes {
    /// Role to log in with.
    pub role: String,
    /// File of the service account token.
    pub token_path: PathBuf,
}

/// The body of the login, written straight into memory that is wiped.
#[derive(Serialize)]
struct Body<'a> {
    role: &'a str,
    jwt: &'a str,
}

impl Kubernetes {
    pub(super) async fn login(
        &self,
        client: &Client,
        mount: &str,
        namespace: Option<&str>,
    ) -> Result<Grant, LoginError> {
        let jwt = file::read(&self.token_path, "the service account token")?;
        let body = serde_json::to_vec(&Body { role: &self.role, jwt: &jwt }).unwrap_or_default();
        let path = format!("{mount}/login");
        let call = Call { path: &path, body: Some(Zeroizing::new(body)), namespace, ..Call::default() };
        grant(&client.put(call).await?)
    }
}
