//! TLS to the database and for clients, with one provider.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;
use crate::error::Error;

/// A client that believes the authorities of a file.
pub(crate) fn client(authority: &Path) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority)? {
        roots.add(certificate).map_err(|error| wrong(authority, error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(authority, error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A server with the certificate and key of two files.
pub(crate) fn server(files: &TlsFiles) -> Result<ServerConfig, Error> {
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&files.key, error))?;
    let chain = certificates(&files.certificate)?;
    builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| wrong(&files.certificate, error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all = CertificateDer::pem_file_iter(file).map_err(|error| wrong(file, error))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| wrong(file, error))?;
    if all.is_empty() { Err(wrong(file, "no certificate in it")) } else { Ok(all) }
}

fn wrong(file: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Tls { reason: format!("{}: {reason}", file.display()) }
}
