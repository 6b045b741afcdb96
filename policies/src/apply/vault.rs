//! A real server, through vaultrs.
//!
//! vaultrs takes its settings from the environment, follows redirects with the token and panics on some input; so its
//! client is put together here from parts that do not, and its types, which show tokens, are never printed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy as Redirects;
use reqwest::{Url, tls::Version};
use rustify::endpoint::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use vaultrs::api::EndpointMiddleware;
use vaultrs::client::{Client as _, VaultClient, VaultClientSettings};
use vaultrs::error::ClientError;

use super::{Method, Server, ServerError};

#[cfg(test)]
mod tests;

const TIMEOUT: Duration = Duration::from_secs(30);

/// How to be allowed in.
pub enum Credential {
    /// The service account token of a pod, for a role at a mount such as `auth/kubernetes`.
    Kubernetes {
        /// Mount of the auth method.
        auth_path: String,
        /// Role.
        role: String,
        /// The service account's token.
        jwt: SecretString,
    },
    /// A token of the server.
    Token(SecretString),
}

/// A server and a token for it.
pub struct Vault {
    client: VaultClient,
    runtime: Runtime,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The address is no URL of a server.
    #[error("{0:?} is no address such as https://vault.blinkchamber.svc:8200")]
    Address(String),
    /// The certificate authorities cannot be used.
    #[error("certificate authorities: {0}")]
    Authorities(String),
    /// HTTPS without a certificate authority to trust.
    #[error("https needs the certificate authority to trust: --ca-cert FILE or VAULT_CACERT")]
    NoAuthority,
    /// The client cannot be built.
    #[error("HTTP client: {0}")]
    Client(String),
    /// The token holds characters that no header can carry.
    #[error("the token holds a line end or another character that no token has")]
    Token,
    /// The login failed.
    #[error("logging in: {0}")]
    Login(ServerError),
}

impl Vault {
    /// Connects to a server; with [`Credential::Kubernetes`] this logs in.
    ///
    /// # Errors
    /// [`VaultError`]; it names no token.
    pub fn connect(address: &str, authorities: Option<&[u8]>, credential: Credential) -> Result<Self, VaultError> {
        let url = Url::parse(address).map_err(|_| VaultError::Address(address.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(VaultError::Address(address.to_owned()));
        }
        if url.scheme() == "https" && authorities.is_none() {
            return Err(VaultError::NoAuthority);
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| VaultError::Client(error.to_string()))?;
        let mut vault = Self { client: client(url, authorities)?, runtime };
        let token = match credential {
            Credential::Token(token) => token,
            Credential::Kubernetes { auth_path, role, jwt } => vault.login(&auth_path, &role, &jwt)?,
        };
        let token = token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(VaultError::Token);
        }
        vault.client.set_token(token);
        Ok(vault)
    }

    fn login(&self, auth_path: &str, role: &str, jwt: &SecretString) -> Result<SecretString, VaultError> {
        let mount = auth_path.trim_matches('/');
        let mount = mount.strip_prefix("auth/").unwrap_or(mount);
        let login = vaultrs::auth::kubernetes::login(&self.client, mount, role, jwt.expose_secret());
        let path = format!("auth/{mount}/login");
        match self.runtime.block_on(login) {
            Ok(info) => Ok(SecretString::from(info.client_token)),
            Err(error) => Err(VaultError::Login(failure(Method::Post, &path, error))),
        }
    }
}

impl Server for Vault {
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, ServerError> {
        let call = Call { method, path: path.to_owned(), body: body.map(|body| body.to_string().into_bytes()) };
        let answer = match method {
            Method::Get | Method::List => self.runtime.block_on(vaultrs::api::exec_with_no_result(&self.client, call)),
            Method::Delete | Method::Post => {
                self.runtime.block_on(vaultrs::api::exec_with_empty(&self.client, call)).map(|()| Value::Null)
            }
        };
        match answer {
            Ok(body) => Ok(Some(body)),
            Err(error) => match failure(method, path, error) {
                ServerError { status: Some(404), .. } => Ok(None),
                error => Err(error),
            },
        }
    }
}

fn client(url: Url, authorities: Option<&[u8]>) -> Result<VaultClient, VaultError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| VaultError::Authorities(error.to_string()))?;
        roots.add(certificate).map_err(|error| VaultError::Authorities(error.to_string()))?;
    }
    if authorities.is_some() && roots.is_empty() {
        return Err(VaultError::Authorities("no certificate in the file".to_owned()));
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| VaultError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .tls_version_min(Version::TLS_1_2)
        .redirect(Redirects::none())
        // The token goes to the server and to nobody the environment names.
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| VaultError::Client(error.to_string()))?;
    let settings = VaultClientSettings {
        address: url.clone(),
        ca_certs: Vec::new(),
        identity: None,
        timeout: None,
        token: String::new(),
        verify: true,
        version: 1,
        wrapping: false,
        namespace: None,
        proxy: None,
    };
    Ok(VaultClient {
        http: rustify::clients::reqwest::Client::new(url.as_str(), http),
        middle: EndpointMiddleware { token: String::new(), version: "v1".to_owned(), wrap: None, namespace: None },
        settings,
    })
}

/// Any request: vaultrs has no untyped one.
struct Call {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
}

impl Endpoint for Call {
    type Response = Value;
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        match self.method {
            Method::Delete => RequestMethod::DELETE,
            Method::Get => RequestMethod::GET,
            Method::List => RequestMethod::LIST,
            Method::Post => RequestMethod::POST,
        }
    }

    fn body(&self) -> Result<Option<Vec<u8>>, rustify::errors::ClientError> {
        Ok(self.body.clone())
    }
}

/// vaultrs's errors say little in their sentence; what matters is in their fields and sources.
fn failure(method: Method, path: &str, error: ClientError) -> ServerError {
    let (status, reason) = match error {
        ClientError::APIError { code, errors } if errors.is_empty() => (Some(code), format!("status {code}")),
        ClientError::APIError { code, errors } => (Some(code), format!("status {code}: {}", errors.join("; "))),
        ClientError::RestClientError { source: rustify::errors::ClientError::ServerResponseError { code, .. } } => {
            (Some(code), format!("status {code}, and the answer is not that of a secrets server"))
        }
        error => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            (None, cause.to_string())
        }
    };
    ServerError { method, path: path.to_owned(), status, reason }
}
