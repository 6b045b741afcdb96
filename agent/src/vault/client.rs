//! Requests and answers.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use blinkchamber_templates::Json;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{
    body,
    error::{VaultError, VaultErrorKind},
    proxy::{Proxy, Road},
    redirect::Trusted,
    tls::{TlsError, Trust},
    token::Token,
};

/// An answer is never larger in earnest; a broken server must not fill the pod's memory.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// What the client needs to know about the server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// `http://` or `https://` URL.
    pub address: String,
    /// `X-Vault-Namespace` of every request that does not name its own.
    pub namespace: Option<String>,
    /// Name to ask for and to verify instead of the address's host.
    pub server_name: Option<String>,
    /// Whom to trust.
    pub trust: Trust,
    /// On the way to an `https://` address.
    pub proxy: Option<Proxy>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer.
    pub request_timeout: Duration,
}

impl Options {
    /// Everything at its default.
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            namespace: None,
            server_name: None,
            trust: Trust::default(),
            proxy: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
        }
    }
}

/// One request.
#[derive(Default)]
pub struct Call<'a> {
    /// Below `/v1/`, not escaped, may carry a query.
    pub path: &'a str,
    /// JSON body.
    pub body: Option<Zeroizing<Vec<u8>>>,
    /// Who asks.
    pub token: Option<&'a Token>,
    /// Namespace of this request instead of the client's.
    pub namespace: Option<&'a str>,
}

/// An answer with a 2xx status.
pub struct Reply {
    /// The whole body; null when there was none.
    pub body: Json,
}

impl Reply {
    /// What stands under these keys, from outside to inside.
    pub fn find(&self, keys: &[&str]) -> Option<&Json> {
        keys.iter().try_fold(&self.body, |json, key| json.get(key))
    }
}

/// A client of one server.
pub struct Client {
    options: Options,
    base: Uri,
    http: Mutex<Http>,
}

/// A pool of connections.
pub(crate) type Http = legacy::Client<HttpsConnector<Road>, Full<Bytes>>;

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the address is not a URL or TLS cannot be set up.
    pub fn new(options: Options) -> Result<Self, ClientError> {
        let refuse = |reason| ClientError::Address { address: options.address.clone(), reason };
        let base: Uri = options.address.parse().map_err(|_invalid| refuse("not a URL"))?;
        match (base.scheme_str(), base.host()) {
            (Some("http" | "https"), Some(host)) if !host.is_empty() => {}
            (Some("http" | "https"), _) => return Err(refuse("it has no host")),
            _ => return Err(refuse("begin it with http:// or https://")),
        }
        let http = Mutex::new(connect(&options, &base)?);
        Ok(Self { options, base, http })
    }

    /// Reads the authorities and the client certificate again, for the connections to come.
    ///
    /// # Errors
    ///
    /// As [`Client::new`]; the client goes on with what it had.
    pub fn reload_trust(&self) -> Result<(), ClientError> {
        if self.base.scheme_str() != Some("https") {
            return Ok(());
        }
        let fresh = connect(&self.options, &self.base)?;
        *self.http.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// `GET`.
    ///
    /// # Errors
    ///
    /// When there is no usable answer with a 2xx status; so for all of these.
    pub async fn get(&self, call: Call<'_>) -> Result<Reply, VaultError> {
        self.send(Method::GET, "GET", call).await
    }

    /// `LIST`, sent as `GET ?list=true`, which every proxy lets pass.
    ///
    /// # Errors
    ///
    /// As [`Client::get`].
    pub async fn list(&self, call: Call<'_>) -> Result<Reply, VaultError> {
        let separator = if call.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{separator}list=true", call.path);
        self.send(Method::GET, "LIST", Call { path: &path, ..call }).await
    }

    /// `PUT`.
    ///
    /// # Errors
    ///
    /// As [`Client::get`].
    pub async fn put(&self, call: Call<'_>) -> Result<Reply, VaultError> {
        self.send(Method::PUT, "PUT", call).await
    }

    async fn send(&self, method: Method, name: &'static str, call: Call<'_>) -> Result<Reply, VaultError> {
        let path = call.path.split('?').next().unwrap_or_default().to_owned();
        let limit = self.options.request_timeout;
        let answer = match timeout(limit, self.exchange(method, &call)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(VaultErrorKind::Timeout(limit)),
        };
        answer.map_err(|kind| VaultError { method: name, path, kind })
    }

    async fn exchange(&self, method: Method, call: &Call<'_>) -> Result<Reply, VaultErrorKind> {
        let mut target = self.target(call.path)?;
        let mut redirected = false;
        loop {
            let request = self.request(&method, &target, call)?;
            let http = self.http.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let response = http.request(request).await.map_err(|error| VaultErrorKind::Connection(chain(&error)))?;
            if !response.status().is_redirection() {
                return answer(response).await;
            }
            if redirected {
                return Err(VaultErrorKind::Connection("redirected twice".to_owned()));
            }
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let followed = self.trusted().follow(&target, location);
            target = followed
                .map_err(|reason| VaultErrorKind::Connection(format!("redirected ({}) {reason}", response.status())))?;
            redirected = true;
        }
    }

    fn trusted(&self) -> Trusted<'_> {
        let trust = &self.options.trust;
        Trusted { base: &self.base, verified: self.base.scheme_str() == Some("https") && trust.is_own() }
    }

    fn target(&self, path: &str) -> Result<Uri, VaultErrorKind> {
        let invalid = |_error| VaultErrorKind::Request("the path cannot be part of a URL".to_owned());
        let prefix = self.base.path().trim_end_matches('/');
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = Some(format!("{prefix}/v1/{}", escape(path)).parse().map_err(invalid)?);
        Uri::from_parts(parts).map_err(|_error| VaultErrorKind::Request("the path cannot be part of a URL".to_owned()))
    }

    fn request(&self, method: &Method, target: &Uri, call: &Call<'_>) -> Result<Request<Full<Bytes>>, VaultErrorKind> {
        let body = call.body.as_ref().map(|body| Bytes::copy_from_slice(body)).unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = target.clone();
        let headers = request.headers_mut();
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if call.body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(value) = call.token.and_then(Token::header) {
            headers.insert("x-vault-token", value);
        }
        if let Some(namespace) = call.namespace.or(self.options.namespace.as_deref()).filter(|name| !name.is_empty()) {
            let value = HeaderValue::from_str(namespace)
                .map_err(|_error| VaultErrorKind::Request("the namespace cannot be a header".to_owned()))?;
            headers.insert("x-vault-namespace", value);
        }
        Ok(request)
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address cannot be used.
    #[error("server address {address:?}: {reason}")]
    Address {
        /// As given.
        address: String,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

fn connect(options: &Options, base: &Uri) -> Result<Http, ClientError> {
    // Plain HTTP needs no trust: an agent beside a local server must start without any authority.
    let tls = if base.scheme_str() == Some("https") {
        options.trust.load()?
    } else {
        Trust { skip_verify: true, ..Trust::default() }.load()?
    };
    // An absolute name ends with a dot in DNS and without one in a certificate.
    let host = base.host().unwrap_or_default();
    let name = options.server_name.as_deref().or_else(|| host.strip_suffix('.'));
    let reason = "its TLS server name is not a DNS name";
    let name = name.map(|name| ServerName::try_from(name.to_owned())).transpose();
    let name = name.map_err(|_invalid| ClientError::Address { address: options.address.clone(), reason })?;
    Ok(pool(tls, name, options.connect_timeout, options.proxy.clone()))
}

/// A pool of connections; `name` is verified instead of the host's.
pub(crate) fn pool(
    tls: ClientConfig,
    name: Option<ServerName<'static>>,
    connect_timeout: Duration,
    proxy: Option<Proxy>,
) -> Http {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = name {
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(20))
        .pool_max_idle_per_host(8)
        .build(builder.enable_http1().wrap_connector(Road::new(tcp, proxy)))
}

async fn answer(response: Response<Incoming>) -> Result<Reply, VaultErrorKind> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let bytes = body::read(response.into_body(), ANSWER_LIMIT).await;
    if !status.is_success() {
        // What a proxy in between says may be anything; only the API's own list is repeated.
        let parsed = bytes.ok().and_then(|bytes| Json::parse(&bytes).ok());
        let errors = parsed.as_ref().map(messages).unwrap_or_default();
        return Err(VaultErrorKind::Status { status, errors, retry_after });
    }
    let bytes = bytes?;
    if bytes.is_empty() || status == StatusCode::NO_CONTENT {
        return Ok(Reply { body: Json::Null });
    }
    let body = Json::parse(&bytes).map_err(|error| VaultErrorKind::Body(error.to_string()))?;
    Ok(Reply { body })
}

fn messages(body: &Json) -> Vec<String> {
    let Some(Json::Array(errors)) = body.get("errors") else { return Vec::new() };
    errors.iter().filter_map(Json::as_str).map(|text| text.trim().replace('\n', " ")).collect()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Escapes what cannot stand in a URL's path; the query of `secret "a?version=2"` stays one.
fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => escaped.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' | b'/' | b'?' | b'=' | b'&' | b':' | b'@' | b'!' | b'$' | b'\'' | b'(' | b')' => {
                escaped.push(byte.into());
            }
            b'*' | b'+' | b',' | b';' => escaped.push(byte.into()),
            // A path that was escaped by its author stays as it is.
            b'%' => escaped.push('%'),
            other => {
                const HEX: [char; 16] =
                    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
                escaped.push('%');
                escaped.extend([other >> 4, other & 15].map(|half| HEX.get(usize::from(half)).copied().unwrap_or('0')));
            }
        }
    }
    escaped
}

/// The error with its causes, which carry no data of a request.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = cause.source();
    }
    text
}
