//! The leaf in use: swapped while connections come and go.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{Error, Leaf, provider};

#[cfg(test)]
mod tests;

/// Hands the newest leaf to each handshake. Handshakes in progress keep the one they started with.
#[derive(Default)]
pub struct Served(ArcSwapOption<CertifiedKey>);

impl Served {
    /// Serves this leaf from the next handshake on.
    pub fn swap(&self, leaf: &Leaf) {
        self.0.store(Some(Arc::clone(&leaf.key)));
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("has_leaf", &self.0.load().is_some()).finish()
    }
}

/// TLS 1.2 and 1.3 without client certificates, for HTTP/2 and HTTP/1.1.
///
/// # Errors
/// [`Error::Tls`] when the provider lacks what the protocol versions need.
pub fn server_config(served: Arc<Served>) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_no_client_auth()
        .with_cert_resolver(served);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
