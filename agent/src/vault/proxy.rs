//! The way to the server through an HTTP proxy: a tunnel made by `CONNECT`, in which TLS runs from end to end.

use std::{
    error::Error,
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tower_service::Service;

/// A proxy for `https://`, and for whom it is not used. Its URL may hold a password, so `Debug` shows the host alone.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    url: String,
    host: String,
    exceptions: String,
}

impl Proxy {
    /// Reads the values of `HTTPS_PROXY` and `NO_PROXY`, which is a list of hosts, domains and networks.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL and what is accepted; never a part of it.
    pub fn parse(url: &str, exceptions: &str) -> Result<Self, &'static str> {
        const ACCEPTED: &str = "must be the URL of an HTTP proxy, such as http://proxy.example:3128";
        // As curl and Go's client: what does not name its scheme is http.
        let url = if url.contains("://") { url.trim().to_owned() } else { format!("http://{}", url.trim()) };
        let uri: Uri = url.parse().map_err(|_invalid| ACCEPTED)?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) if !host.is_empty() => {
                let host = uri.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
                Ok(Self { url, host, exceptions: exceptions.to_owned() })
            }
            (Some("http"), _) => Err(ACCEPTED),
            _ => Err("only proxies that are spoken to by http:// are supported (TLS to the server runs through them)"),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxy").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Connects to a server, directly or through the proxy.
#[derive(Clone)]
pub(crate) struct Road {
    tcp: HttpConnector,
    proxy: Option<Arc<(Proxy, Matcher)>>,
}

/// The proxy did not do it.
#[derive(Debug, thiserror::Error)]
#[error("no way through the proxy {host}")]
struct ProxyError {
    host: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Road {
    pub(super) fn new(tcp: HttpConnector, proxy: Option<Proxy>) -> Self {
        let proxy = proxy.map(|proxy| {
            let matcher = Matcher::builder().https(proxy.url.clone()).no(proxy.exceptions.clone()).build();
            Arc::new((proxy, matcher))
        });
        Self { tcp, proxy }
    }
}

impl Service<Uri> for Road {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let chosen = self.proxy.as_deref().filter(|_| !is_local(&target));
        let Some((proxy, way)) = chosen.and_then(|(proxy, matcher)| Some((proxy, matcher.intercept(&target)?))) else {
            let connecting = self.tcp.call(target);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        let mut tunnel = Tunnel::new(way.uri().clone(), self.tcp.clone());
        if let Some(authorization) = way.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let (connecting, host) = (tunnel.call(target), proxy.host.clone());
        Box::pin(async move { connecting.await.map_err(|source| ProxyError { host, source: source.into() }.into()) })
    }
}

/// A proxy elsewhere cannot reach what listens on our own loopback.
fn is_local(target: &Uri) -> bool {
    let host = target.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
