//! Files with secrets and authorities, as the agent keeps them: read again whenever they are needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// A file that is of no use. Never quotes what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}", file.display())]
    Read {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}: {reason}", file.display())]
    Content { file: PathBuf, reason: String },
}

/// A secret without the line end behind it.
///
/// # Errors
/// When it cannot be read, is empty or is no text.
pub(crate) fn secret(file: &Path) -> Result<Zeroizing<String>, Error> {
    let text = fs::read(file).map(Zeroizing::new).map_err(|source| Error::Read { file: file.to_owned(), source })?;
    let wrong = |reason: &str| Error::Content { file: file.to_owned(), reason: reason.to_owned() };
    let text = std::str::from_utf8(&text).map_err(|_| wrong("not UTF-8"))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err(wrong("empty")) } else { Ok(Zeroizing::new(text.to_owned())) }
}

/// A client that trusts the authorities of a file and nobody else, follows nothing and uses no proxy: a redirect would take
/// the token along.
///
/// # Errors
/// As [`tls`].
pub(crate) fn http(authorities: Option<&Path>) -> Result<reqwest::ClientBuilder, Error> {
    let tls = match authorities {
        Some(file) => Arc::unwrap_or_clone(tls(file)?),
        None => trusting(RootCertStore::empty(), Path::new(""))?,
    };
    let policy = reqwest::redirect::Policy::none();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(policy).no_proxy())
}

/// TLS that trusts the authorities of a file and nobody else.
///
/// # Errors
/// When there is no certificate in it.
pub(crate) fn tls(file: &Path) -> Result<Arc<ClientConfig>, Error> {
    let wrong = |reason: String| Error::Content { file: file.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate in it".into()));
    }
    trusting(roots, file).map(Arc::new)
}

fn trusting(roots: RootCertStore, file: &Path) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Content { file: file.to_owned(), reason: error.to_string() })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
