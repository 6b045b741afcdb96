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
    #[error("https needs the certificate authority to trust")]
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
    /// Prepares requests without a token.
    ///
    /// # Errors
    /// [`VaultError`] for an unusable address or authority.
    pub fn new(address: &str, authorities: Option<&[u8]>, timeout: Duration) -> Result<Self, VaultError> {
        let url = Url::parse(address).map_err(|_| VaultError::Address(address.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(VaultError::Address(address.to_owned()));
        }
        if url.scheme() == "https" && authorities.is_none() {
            return Err(VaultError::NoAuthority);
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| VaultError::Client(error.to_string()))?;
        Ok(Self { client: client(url, authorities, timeout)?, runtime })
    }

    /// Connects to a server; with [`Credential::Kubernetes`] this logs in.
    ///
    /// # Errors
    /// [`VaultError`]; it names no token.
    pub fn connect(
        address: &str,
        authorities: Option<&[u8]>,
        credential: Credential,
        timeout: Duration,
    ) -> Result<Self, VaultError> {
        let vault = Self::new(address, authorities, timeout)?;
        let token = match credential {
            Credential::Token(token) => token,
            Credential::Kubernetes { auth_path, role, jwt } => {
                vault.login(&auth_path, &role, &jwt).map_err(VaultError::Login)?
            }
        };
        vault.with_token(&token)
    }

    /// The same server, with a token for every further request.
    ///
    /// # Errors
    /// [`VaultError::Token`].
    pub fn with_token(mut self, token: &SecretString) -> Result<Self, VaultError> {
        let token = token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(VaultError::Token);
        }
        self.client.set_token(token);
        Ok(self)
    }

    /// The token of a login with a service account's token, at a mount such as `auth/kubernetes`.
    ///
    /// # Errors
    /// The refusal; it names no token.
    pub fn login(&self, auth_path: &str, role: &str, jwt: &SecretString) -> Result<SecretString, ServerError> {
        let mount = auth_path.trim_matches('/');
        let mount = mount.strip_prefix("auth/").unwrap_or(mount);
        let login = vaultrs::auth::kubernetes::login(&self.client, mount, role, jwt.expose_secret());
        let answer = self.runtime.block_on(login);
        let (status, reason) = match answer {
            Ok(info) => return Ok(SecretString::from(info.client_token)),
            Err(ClientError::APIError { code, errors }) => (Some(code), refusal(code, Some(errors))),
            Err(ClientError::RestClientError { source }) => told(source),
            Err(error) => (None, last_cause(&error)),
        };
        Err(ServerError { method: Method::Post, path: format!("auth/{mount}/login"), status, reason })
    }

    /// `GET`; the whole body, or `None` when there is nothing at the path.
    ///
    /// # Errors
    /// As [`Server::call`].
    pub fn read(&self, path: &str) -> Result<Option<Value>, ServerError> {
        self.call(Method::Get, path, None)
    }

    /// `POST` with a JSON body; the whole answer, `null` for an empty one.
    ///
    /// # Errors
    /// As [`Server::call`], and for a path where nothing can be written.
    pub fn write(&self, path: &str, body: &Value) -> Result<Value, ServerError> {
        self.request(Method::Post, path, Some(body))
    }

    /// One request; the whole body, `null` for an empty one.
    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ServerError> {
        let call = Call { method, path: path.to_owned(), body: body.map(|body| body.to_string().into_bytes()) };
        let call = call.with_middleware(&self.client.middle);
        let answer = self.runtime.block_on(call.exec(&self.client.http)).map(|answer| answer.raw());
        let failed = |(status, reason)| ServerError { method, path: path.to_owned(), status, reason };
        match answer {
            Ok(body) if body.trim_ascii().is_empty() => Ok(Value::Null),
            Ok(body) => serde_json::from_slice(&body).map_err(|_| failed((None, "the answer is not JSON".to_owned()))),
            Err(error) => Err(failed(told(error))),
        }
    }
}

impl Server for Vault {
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, ServerError> {
        match self.request(method, path, body) {
            Err(ServerError { status: Some(404), .. }) => Ok(None),
            answer => answer.map(Some),
        }
    }
}

/// TLS that trusts these authorities (PEM) and nobody else.
///
/// # Errors
/// [`VaultError::Authorities`] when they are none.
pub fn trusting(authorities: Option<&[u8]>) -> Result<ClientConfig, VaultError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| VaultError::Authorities(error.to_string()))?;
        roots.add(certificate).map_err(|error| VaultError::Authorities(error.to_string()))?;
    }
    if authorities.is_some() && roots.is_empty() {
        return Err(VaultError::Authorities("no certificate in the file".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| VaultError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// The last cause of an error says what happened ("connection refused"); the first only repeats the request.
pub fn last_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn client(url: Url, authorities: Option<&[u8]>, timeout: Duration) -> Result<VaultClient, VaultError> {
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(trusting(authorities)?)
        .tls_version_min(Version::TLS_1_2)
        .redirect(Redirects::none())
        // The token goes to the server and to nobody the environment names.
        .no_proxy()
        .timeout(timeout)
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
        self.path.split_once('?').map_or(self.path.as_str(), |(path, _)| path).to_owned()
    }

    fn query(&self) -> Result<Option<String>, rustify::errors::ClientError> {
        Ok(self.path.split_once('?').map(|(_, query)| query.to_owned()))
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

/// Status and reason. The errors of rustify say little in their sentence; what matters is in their fields and sources.
fn told(error: rustify::errors::ClientError) -> (Option<u16>, String) {
    let rustify::errors::ClientError::ServerResponseError { code, content } = error else {
        return (None, last_cause(&error));
    };
    let body: Option<Value> = content.and_then(|content| serde_json::from_str(&content).ok());
    let errors = body.as_ref().and_then(|body| body.get("errors")).and_then(Value::as_array);
    let messages = errors.map(|errors| errors.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    (Some(code), refusal(code, messages))
}

/// What a server says with a status; `None` when it does not speak as a secrets server does.
fn refusal(status: u16, messages: Option<Vec<String>>) -> String {
    match messages {
        None => format!("status {status}, and the answer is not that of a secrets server"),
        Some(messages) if messages.is_empty() => format!("status {status}"),
        Some(messages) => {
            let messages: Vec<_> = messages.iter().map(|text| text.trim().replace(['\n', '\t'], " ")).collect();
            format!("status {status}: {}", messages.join("; "))
        }
    }
}
