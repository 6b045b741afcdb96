//! How OpenBao is reached, and everything else that bootstrapping asks over HTTP.
//!
//! Redirects are not followed: a standby's answer may lead past the Service, and the token must not travel along. The
//! caller tries again, and the Service leads to another pod.

use std::fs;
use std::path::Path;
use std::time::Duration;

use blinkchamber_policies::apply::{Vault, VaultError, last_cause, trusting};
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;
use rustls::client::Resumption;
use serde_json::Value;

use crate::Failure;

/// Prepares requests to OpenBao at `address` (`http://...` or `https://...`), without a token.
///
/// # Errors
/// [`Failure::Configuration`] for an unusable address or authority.
pub fn vault(address: &str, authorities: Option<&Authorities>, timeout: Duration) -> Result<Vault, Failure> {
    let pem = authorities.map(|authorities| authorities.pem.as_slice());
    Vault::new(address, pem, timeout).map_err(|error| unusable(error, authorities))
}

/// Whose certificates are trusted: PEM, and where it is from.
pub struct Authorities {
    pem: Vec<u8>,
    source: String,
}

impl Authorities {
    /// From a text; it is checked where it is used.
    #[must_use]
    pub fn new(pem: &[u8], source: &str) -> Self {
        Self { pem: pem.to_owned(), source: source.to_owned() }
    }

    /// From a file.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let source = format!("authority file {}", path.display());
        let pem = fs::read(path).map_err(|error| Failure::Configuration(format!("{source}: {error}")))?;
        Ok(Self { pem, source })
    }
}

/// A client that trusts the given authorities only, follows nothing, and uses no proxy.
///
/// # Errors
/// [`Failure::Configuration`] when there is no certificate among the authorities.
pub fn client(authorities: Option<&Authorities>, timeout: Duration) -> Result<Client, Failure> {
    let built = client_builder(authorities, timeout)?.build();
    built.map_err(|error| Failure::Configuration(format!("HTTP client: {error}")))
}

/// The same, for a client that wants more.
///
/// # Errors
/// As [`client`].
pub fn client_builder(authorities: Option<&Authorities>, timeout: Duration) -> Result<ClientBuilder, Failure> {
    let pem = authorities.map(|authorities| authorities.pem.as_slice());
    let mut tls = trusting(pem).map_err(|error| unusable(error, authorities))?;
    // A resumed session shows the certificate of its beginning, not the one the server has now.
    tls.resumption = Resumption::disabled();
    Ok(Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).no_proxy().timeout(timeout))
}

/// The last cause says what happened ("connection refused"); the first only repeats the URL.
#[must_use]
pub fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    last_cause(error)
}

/// A member deep in an answer by its JSON pointer; null when there is none.
#[must_use]
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// Names where unusable authorities are from.
fn unusable(error: VaultError, authorities: Option<&Authorities>) -> Failure {
    Failure::Configuration(match (error, authorities) {
        (VaultError::Authorities(why), Some(Authorities { source, .. })) => format!("{source}: {why}"),
        (error, _) => error.to_string(),
    })
}

#[cfg(test)]
mod tests;
