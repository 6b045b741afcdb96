//! Certificates as this crate handles them: read once, with the few facts that decisions need.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{Error, ORGANIZATION, provider};

/// An authority's certificate: public, no key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaCert {
    der: CertificateDer<'static>,
    /// The subject's organization, empty when there is none.
    pub(crate) organization: String,
    /// The subject's common name, empty when there is none.
    pub(crate) name: String,
    pub(crate) not_after: SystemTime,
}

impl CaCert {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`Error::Certificate`] when the bytes are not X.509.
    pub fn from_der(der: CertificateDer<'static>, subject: &str) -> Result<Self, Error> {
        let parsed = parse(&der, subject)?;
        let text = |mut values: Box<dyn Iterator<Item = &x509_parser::x509::AttributeTypeAndValue<'_>> + '_>| {
            values.next().and_then(|value| value.as_str().ok()).unwrap_or_default().to_owned()
        };
        let organization = text(Box::new(parsed.subject().iter_organization()));
        let name = text(Box::new(parsed.subject().iter_common_name()));
        let not_after = instant(parsed.validity().not_after.timestamp());
        Ok(Self { organization, name, not_after, der })
    }

    /// All certificates of a PEM text, in order.
    ///
    /// # Errors
    /// [`Error::Pem`] when a section is damaged or there is none, [`Error::Certificate`] when one is not X.509.
    pub fn from_pem(pem: &[u8], subject: &str) -> Result<Vec<Self>, Error> {
        let damaged = || Error::Pem { subject: subject.to_owned(), wanted: "certificate" };
        let ders: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| damaged())?;
        if ders.is_empty() {
            return Err(damaged());
        }
        ders.into_iter().map(|der| Self::from_der(der, subject)).collect()
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// End of validity.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Identity of the replica that made it, when one of ours did.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        (self.organization == ORGANIZATION).then_some(self.name.as_str())
    }
}

/// A certificate with its key, ready for handshakes.
#[derive(Clone)]
pub struct Leaf {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Authorities of which one has to be trusted by whoever connects; empty when that is somebody else's concern.
    pub(crate) issuers: Vec<CaCert>,
}

impl Leaf {
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        issuers: Vec<CaCert>,
        subject: &str,
    ) -> Result<Self, Error> {
        let first = chain.first().ok_or_else(|| Error::Pem { subject: subject.to_owned(), wanted: "certificate" })?;
        let (not_before, not_after) = {
            let parsed = parse(first, subject)?;
            let validity = parsed.validity();
            (instant(validity.not_before.timestamp()), instant(validity.not_after.timestamp()))
        };
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|source| Error::KeyPair { subject: subject.to_owned(), source })?;
        Ok(Self { key: Arc::new(key), not_before, not_after, issuers })
    }

    /// End of validity.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether a client with the right clock accepts the dates.
    #[must_use]
    pub fn valid_at(&self, now: SystemTime) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// The authorities of which one has to be trusted; empty when trust is somebody else's concern.
    #[must_use]
    pub fn issuers(&self) -> &[CaCert] {
        &self.issuers
    }
}

/// Seconds since 1970 as a point in time; dates before 1970 become 1970.
fn instant(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn parse<'a>(der: &'a CertificateDer<'_>, subject: &str) -> Result<X509Certificate<'a>, Error> {
    X509Certificate::from_der(der)
        .map(|(_, parsed)| parsed)
        .map_err(|error| Error::Certificate { subject: subject.to_owned(), reason: error.to_string() })
}
