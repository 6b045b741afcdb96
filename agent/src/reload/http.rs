//! One plain HTTP request, usually to another container of the pod.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Method, Uri,
    header::{CONTENT_LENGTH, HOST, USER_AGENT},
};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::ReloadError;

const AGENT: &str = concat!("blinkchamber-agent/", env!("CARGO_PKG_VERSION"));

/// What is asked of whom.
pub(super) struct Request {
    method: Method,
    /// `host:port` for the header, as written.
    authority: String,
    host: String,
    port: u16,
    /// Path and query.
    target: Uri,
    label: String,
}

impl Request {
    pub(super) fn new(method: &str, url: &str) -> Result<Self, ReloadError> {
        let refuse = |reason| ReloadError::BadRequest { url: without_query(url), reason };
        let method = match method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            _ => return Err(refuse("the method has to be GET, POST or PUT")),
        };
        let uri: Uri = url.parse().map_err(|_invalid| refuse("not a URL; write http://host:port/path"))?;
        if uri.scheme_str() != Some("http") {
            return Err(refuse("only http:// is possible; it begins with another scheme or none"));
        }
        let Some(authority) = uri.authority() else { return Err(refuse("no host; write http://host:port/path")) };
        if authority.as_str().contains('@') {
            return Err(refuse("user and password in a URL end up in logs; leave them out"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = path.parse().map_err(|_invalid| refuse("the path is not valid"))?;
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        let label = format!("{method} {}", without_query(url));
        Ok(Self { method, authority: authority.to_string(), host, port, target, label })
    }

    /// Asks once; any 2xx is success.
    pub(super) async fn send(&self, limit: Duration) -> Result<(), ReloadError> {
        let status = match timeout(limit, self.exchange()).await {
            Ok(Ok(status)) => status,
            Ok(Err(reason)) => return Err(self.failed(reason)),
            Err(_elapsed) => return Err(self.failed(format!("no answer within {} s", limit.as_secs_f32()))),
        };
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(ReloadError::Refused { request: self.label.clone(), status })
    }

    /// The status of the answer. Its body is not read: the connection is closed.
    async fn exchange(&self) -> Result<u16, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        let mut request = hyper::Request::builder()
            .method(&self.method)
            .uri(&self.target)
            .header(HOST, &self.authority)
            .header(USER_AGENT, AGENT);
        if self.method != Method::GET {
            // Some servers answer 411 to a POST that does not say how long its body is.
            request = request.header(CONTENT_LENGTH, 0);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
        // The connection has to be driven while the answer is awaited; dropping it closes it.
        let exchange = sender.send_request(request);
        tokio::pin!(connection, exchange);
        let answer = tokio::select! {
            answer = &mut exchange => answer,
            _ended = &mut connection => exchange.await,
        };
        answer.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
    }

    fn failed(&self, reason: String) -> ReloadError {
        ReloadError::Request { request: self.label.clone(), reason }
    }
}

/// The URL as far as it may be shown.
pub(super) fn without_query(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match (url.split_once("://"), url.split_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}
