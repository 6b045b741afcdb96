//! Whom the client trusts: the given authorities and nobody else; the system's bundle only when none is given.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

/// Where Linux distributions keep the public authorities.
const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What decides whether the server is the right one, and who we are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trust {
    /// PEM file of authorities.
    pub ca_file: Option<PathBuf>,
    /// Directory of PEM files of authorities.
    pub ca_directory: Option<PathBuf>,
    /// Authorities as PEM text.
    pub ca_pem: Option<String>,
    /// PEM file of our certificate and its chain.
    pub client_certificate: Option<PathBuf>,
    /// PEM file of its key.
    pub client_key: Option<PathBuf>,
    /// Accept any certificate.
    pub skip_verify: bool,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Nobody to trust.
    #[error("https needs an authority to trust: give `ca_cert` (or VAULT_CACERT), there is no {SYSTEM_BUNDLE} either")]
    NoAuthorities,
    /// A file that cannot be read or is not PEM.
    #[error("cannot read {} from {}: {reason}", what, path.display())]
    Pem {
        /// What was to be read.
        what: &'static str,
        /// From where.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Certificate and key do not fit, or one is missing.
    #[error("the client certificate is not usable: {0}")]
    ClientCertificate(String),
    /// The provider refuses the protocol versions.
    #[error("TLS cannot be set up: {0}")]
    Provider(String),
}

impl Trust {
    /// Reads all files and makes the TLS configuration of them.
    ///
    /// # Errors
    ///
    /// When a file is missing or wrong, or there is nobody to trust.
    pub fn load(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Provider(error.to_string()))?;
        let builder = if self.skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            builder.with_root_certificates(self.authorities()?)
        };
        match (&self.client_certificate, &self.client_key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate, "the client certificate")?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| pem("the client key", key, &error.to_string()))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsError::ClientCertificate(error.to_string()))
            }
            (None, None) => Ok(builder.with_no_client_auth()),
            _ => Err(TlsError::ClientCertificate("give both `client_cert` and `client_key`".to_owned())),
        }
    }

    /// Whether certificates are verified, and against authorities of the operator's choice.
    pub(super) fn is_own(&self) -> bool {
        !self.skip_verify && self.is_given()
    }

    fn is_given(&self) -> bool {
        self.ca_file.is_some() || self.ca_directory.is_some() || self.ca_pem.is_some()
    }

    fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut found = Vec::new();
        if let Some(file) = &self.ca_file {
            found.extend(certificates(file, "authorities")?);
        }
        if let Some(directory) = &self.ca_directory {
            let entries = fs::read_dir(directory).map_err(|error| pem("authorities", directory, &error.to_string()))?;
            for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
                found.extend(certificates(&entry.path(), "authorities")?);
            }
        }
        if let Some(text) = &self.ca_pem {
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let source = Path::new("VAULT_CACERT_BYTES");
                found.push(certificate.map_err(|error| pem("authorities", source, &error.to_string()))?);
            }
        }
        if !self.is_given() && Path::new(SYSTEM_BUNDLE).exists() {
            found.extend(certificates(Path::new(SYSTEM_BUNDLE), "authorities")?);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found);
        if roots.is_empty() { Err(TlsError::NoAuthorities) } else { Ok(roots) }
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| pem(what, path, &error.to_string()))?;
    all.collect::<Result<_, _>>().map_err(|error| pem(what, path, &error.to_string()))
}

fn pem(what: &'static str, path: &Path, reason: &str) -> TlsError {
    TlsError::Pem { what, path: path.to_path_buf(), reason: reason.to_owned() }
}

/// `tls_skip_verify`: the connection is encrypted, the other end is anybody.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
