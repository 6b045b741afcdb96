//! A certificate authority that lives in memory and dies with the process.
//!
//! Life of a leaf: `leaf_lifetime`, renewed after two thirds. Life of an authority: four leaves; its successor is made
//! when two leaves' worth is left, published at once, and signs only after clients were seen to trust it.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroize;

use crate::{CaCert, Error, Leaf, ORGANIZATION, Trust};

#[cfg(test)]
mod tests;

/// What the authority makes.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Who this authority belongs to, such as the pod's name; see [`crate::merge`].
    pub identity: String,
    /// DNS names of the leaf.
    pub names: Vec<String>,
    /// Life of a leaf.
    pub leaf_lifetime: Duration,
}

impl Profile {
    /// The names by which a Kubernetes service is reached.
    #[must_use]
    pub fn service_names(service: &str, namespace: &str) -> Vec<String> {
        vec![
            service.to_owned(),
            format!("{service}.{namespace}"),
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.cluster.local"),
        ]
    }
}

/// An authority and the leaves it signs.
pub struct Authority {
    profile: Profile,
    /// Oldest first, never empty between two calls of `poll`; at most one is waiting to be trusted.
    issuers: Vec<Issuer>,
    served: Option<Signed>,
}

impl Authority {
    /// Makes the first authority; the first leaf comes from [`Authority::poll`].
    ///
    /// # Errors
    /// [`Error::Generate`] when a key or a certificate cannot be made.
    pub fn new(profile: Profile, now: SystemTime) -> Result<Self, Error> {
        let first = Issuer::new(&profile, now)?;
        Ok(Self { profile, issuers: vec![first], served: None })
    }

    /// A leaf, when one is due: after two thirds of the last one's life, or when the clock jumped out of it.
    ///
    /// # Errors
    /// [`Error::Generate`] when a key or a certificate cannot be made.
    pub fn poll(&mut self, now: SystemTime, trust: &Trust) -> Result<Option<Leaf>, Error> {
        self.issuers.retain(|issuer| issuer.valid_at(now));
        let margin = self.profile.leaf_lifetime * 2;
        if self.issuers.last().is_none_or(|newest| newest.cert.not_after < now + margin) {
            self.issuers.push(Issuer::new(&self.profile, now)?);
        }
        // The newest that clients trust; before any is trusted there is no harm in the oldest.
        let trusted = self.issuers.iter().rev().find(|issuer| trust.holds(&issuer.cert, now));
        let Some(issuer) = trusted.or_else(|| self.issuers.first()) else { return Ok(None) };
        if self.served.as_ref().is_some_and(|served| !served.due(now)) {
            return Ok(None);
        }
        let leaf = issuer.sign(&self.profile, now)?;
        self.served = Some(Signed { renew_at: renewal(now, leaf.not_after), leaf: leaf.clone() });
        Ok(Some(leaf))
    }

    /// Certificates of all our authorities that are still valid.
    #[must_use]
    pub fn authorities(&self) -> Vec<CaCert> {
        self.issuers.iter().map(|issuer| issuer.cert.clone()).collect()
    }
}

/// The leaf in use and when its successor is due.
struct Signed {
    leaf: Leaf,
    renew_at: SystemTime,
}

impl Signed {
    fn due(&self, now: SystemTime) -> bool {
        self.renew_at <= now || !self.leaf.valid_at(now)
    }
}

/// How far back validity starts: clocks of nodes differ.
const SKEW: Duration = Duration::from_secs(300);

/// Life of an authority in leaves.
const LEAVES: u32 = 4;

struct Issuer {
    signer: CertifiedIssuer<'static, KeyPair>,
    cert: CaCert,
    not_before: SystemTime,
}

impl Issuer {
    fn new(profile: &Profile, now: SystemTime) -> Result<Self, Error> {
        let failed = |source| Error::Generate { what: "the authority", source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = dated(now, now + profile.leaf_lifetime * LEAVES);
        params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
        params.distinguished_name.push(DnType::CommonName, profile.identity.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let not_before = params.not_before.into();
        let signer = CertifiedIssuer::self_signed(params, key).map_err(failed)?;
        let cert = CaCert::from_der(signer.der().clone(), "the authority")?;
        Ok(Self { signer, cert, not_before })
    }

    fn valid_at(&self, now: SystemTime) -> bool {
        self.not_before <= now && now < self.cert.not_after
    }

    fn sign(&self, profile: &Profile, now: SystemTime) -> Result<Leaf, Error> {
        let failed = |source| Error::Generate { what: "the leaf", source };
        let mut key = KeyPair::generate().map_err(failed)?;
        let names = CertificateParams::new(profile.names.clone()).map_err(failed)?.subject_alt_names;
        // No leaf outlives its authority: clients would see an error that no date in the leaf explains.
        let mut params = dated(now, (now + profile.leaf_lifetime).min(self.cert.not_after));
        params.subject_alt_names = names;
        params.distinguished_name.push(DnType::CommonName, ORGANIZATION);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(&key, &self.signer).map_err(failed)?;
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        key.zeroize();
        Leaf::new(vec![cert.der().clone()], der.into(), vec![self.cert.clone()], "the leaf")
    }
}

fn dated(now: SystemTime, not_after: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = (now - SKEW).into();
    params.not_after = not_after.into();
    params
}

/// Two thirds of what is left at `now`.
fn renewal(now: SystemTime, not_after: SystemTime) -> SystemTime {
    now + not_after.duration_since(now).unwrap_or_default() * 2 / 3
}
