//! The certificates of OpenBao's own listener.
//!
//! They cannot come from OpenBao, which is not there yet, nor from a Kubernetes Secret, which this platform does not have.
//! Every member knows one thing that nobody else does: the key of the static seal. The authority's key is derived from
//! it, so all members have the same authority after every start, and nothing is stored or exchanged. Whoever has the
//! seal's key reads the data anyway; the derived key says nothing about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};
use ring::hkdf::{HKDF_SHA256, Salt};
use rustls::pki_types::PrivatePkcs8KeyDer;
use zeroize::{Zeroize as _, Zeroizing};

use crate::Failure;
use crate::desired::seconds;
use crate::guard::files;

/// Key of the ConfigMap that the authority is published in.
pub const PUBLISHED: &str = "ca.crt";

/// What the derived key is for; another text gives another key.
const PURPOSE: &[u8] = b"blinkchamber: authority of the openbao listener, 1";

/// PKCS #8 of an Ed25519 key up to its 32 bytes (RFC 8410, section 7).
const ED25519_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// How far back validity starts: clocks of nodes differ.
const SKEW: Duration = Duration::from_secs(300);

/// Settings of the certificates.
#[derive(Clone, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Key of the static seal, from which the authority is derived; without it no certificates are made.
    #[arg(long, env = "BLINKCHAMBER_TLS_SEAL_KEY_FILE")]
    pub tls_seal_key_file: Option<PathBuf>,
    /// Names and addresses of the server, separated by commas.
    #[arg(long, env = "BLINKCHAMBER_TLS_NAMES", value_delimiter = ',')]
    pub tls_names: Vec<String>,
    /// Life of a certificate, such as 24h; renewed after two thirds.
    #[arg(long, env = "BLINKCHAMBER_TLS_LIFETIME", default_value = "24h")]
    pub tls_lifetime: String,
    /// File for key and certificate, as one text: one rename replaces both.
    #[arg(long, env = "BLINKCHAMBER_TLS_FILE", default_value = "/run/bao/tls.pem")]
    pub tls_file: PathBuf,
    /// File for the authority.
    #[arg(long, env = "BLINKCHAMBER_TLS_CA_FILE", default_value = "/run/bao/ca.crt")]
    pub tls_ca_file: PathBuf,
}

impl Options {
    /// Life of a certificate.
    ///
    /// # Errors
    /// [`Failure::Configuration`] for anything but whole seconds, minutes and hours.
    pub fn lifetime(&self) -> Result<Duration, Failure> {
        let text = &self.tls_lifetime;
        seconds(text).filter(|life| *life >= 5).map(Duration::from_secs).ok_or_else(|| {
            Failure::Configuration(format!("--tls-lifetime {text:?}: must be 5s or more, such as 24h or 90m"))
        })
    }

    /// The authority, when there is a key to derive it from.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when the key cannot be read, [`Failure::Failed`] when it is too short for one.
    pub fn authority(&self) -> Result<Option<Authority>, Failure> {
        self.tls_seal_key_file.as_deref().map(Authority::from_file).transpose()
    }

    /// Makes a certificate and writes the files; tells until when it is valid.
    ///
    /// # Errors
    /// [`Failure`] naming what cannot be made or written.
    pub fn renew(&self, authority: &Authority, now: SystemTime) -> Result<SystemTime, Failure> {
        let not_after = now + self.lifetime()?;
        let pem = authority.leaf(&self.tls_names, now, not_after)?;
        files::replace(&self.tls_ca_file, authority.pem().as_bytes(), 0o644)?;
        files::replace(&self.tls_file, pem.as_bytes(), 0o600)?;
        Ok(not_after)
    }
}

/// The authority of all members. No `Debug`: it holds its key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Reads the seal's key and derives.
    ///
    /// # Errors
    /// As [`Options::authority`].
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        let key = fs::read(path).map(Zeroizing::new);
        let key = key.map_err(|error| Failure::Unreachable(format!("read {}: {error}", path.display())))?;
        if key.len() < 32 {
            return Err(Failure::Failed(format!("{}: must hold 32 random bytes", path.display())));
        }
        Self::derive(&key)
    }

    /// The authority that belongs to a seal's key: always the same, to the byte.
    ///
    /// # Errors
    /// [`Failure::Failed`] when the cryptographic library refuses.
    pub fn derive(seal_key: &[u8]) -> Result<Self, Failure> {
        let failed = |what: &str| Failure::Failed(format!("derive the listener's authority: {what}"));
        let mut document = Zeroizing::new([0; 48]);
        let (head, seed) = document.split_at_mut(ED25519_HEAD.len());
        head.copy_from_slice(&ED25519_HEAD);
        Salt::new(HKDF_SHA256, &[])
            .extract(seal_key)
            .expand(&[PURPOSE], HKDF_SHA256)
            .and_then(|material| material.fill(seed))
            .map_err(|_| failed("HKDF"))?;
        let document = PrivatePkcs8KeyDer::from(document.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&document, &PKCS_ED25519)
            .map_err(|error| failed(&error.to_string()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "blinkchamber");
        params.distinguished_name.push(DnType::CommonName, "openbao listener");
        // As long as the key lives, and the same in every member whatever its clock says.
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2120, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(|error| failed(&error.to_string()))?;
        Ok(Self { issuer })
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A key and a certificate for these names, as one PEM text: the key first, where the server looks for it.
    ///
    /// # Errors
    /// [`Failure::Configuration`] for a name that none can be made for.
    pub fn leaf(&self, names: &[String], now: SystemTime, not_after: SystemTime) -> Result<Zeroizing<String>, Failure> {
        let refused = |error: rcgen::Error| Failure::Configuration(format!("--tls-names {}: {error}", names.join(",")));
        let failed = |error: rcgen::Error| Failure::Failed(format!("make a certificate: {error}"));
        if names.is_empty() {
            return Err(Failure::Configuration("--tls-names: must name the server".to_owned()));
        }
        let mut key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names).map_err(refused)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "openbao");
        params.not_before = (now - SKEW).into();
        params.not_after = not_after.into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let text = Zeroizing::new(key.serialize_pem());
        key.zeroize();
        Ok(Zeroizing::new(format!("{}{}", text.as_str(), certificate.pem())))
    }
}

#[cfg(test)]
mod tests;
