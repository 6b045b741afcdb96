//! Certificates: how long one lives, and whether files that an earlier run wrote hold one that is still good.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use rustls::crypto::ring::sign::any_supported_type;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, parse_x509_certificate};

/// A certificate with its key and its issuer, as `pkiCert` gives them.
pub(super) struct Found {
    /// The certificate.
    pub(super) cert: String,
    /// Its private key.
    pub(super) key: String,
    /// Its issuer's certificate; empty when that is not there.
    pub(super) ca: String,
    /// How long it is good from its begin to its end.
    pub(super) life: Duration,
    /// How much of that is over.
    pub(super) age: Duration,
}

/// From `notBefore` to `notAfter`; `None` for what is not a certificate.
pub(super) fn life(pem: &str) -> Option<Duration> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (begin, end) = validity(&parse_x509_certificate(&der).ok()?.1)?;
    Some(Duration::from_secs(end.checked_sub(begin)?))
}

/// Looks in these texts for a certificate with the names that `wanted` asks for, good `now` (in seconds since 1970),
/// and its key.
pub(super) fn find(texts: &[String], wanted: &BTreeMap<String, String>, now: u64) -> Option<Found> {
    let blocks: Vec<String> = texts.iter().flat_map(|text| blocks(text)).collect();
    let keys: Vec<(&String, Box<[u8]>)> = blocks.iter().filter_map(|block| Some((block, public_key(block)?))).collect();
    let ders: Vec<(&String, CertificateDer<'_>)> = blocks
        .iter()
        .filter_map(|block| Some((block, CertificateDer::from_pem_slice(block.as_bytes()).ok()?)))
        .collect();
    let certificates: Vec<(&String, X509Certificate<'_>)> =
        ders.iter().filter_map(|(block, der)| Some((*block, parse_x509_certificate(der).ok()?.1))).collect();
    certificates.iter().find_map(|(block, certificate)| {
        let (key, _) = keys.iter().find(|(_, public)| **public == *certificate.public_key().raw)?;
        let (begin, end) = validity(certificate)?;
        if now < begin || now >= end || !is_for(certificate, wanted) {
            return None;
        }
        let issuer = certificates.iter().find(|(other, issuer)| {
            other != block && issuer.subject().as_raw() == certificate.issuer().as_raw() && issuer.is_ca()
        });
        Some(Found {
            cert: (*block).clone(),
            key: (*key).clone(),
            ca: issuer.map(|(block, _)| (*block).clone()).unwrap_or_default(),
            life: Duration::from_secs(end - begin),
            age: Duration::from_secs(now - begin),
        })
    })
}

/// In seconds since 1970.
fn validity(certificate: &X509Certificate<'_>) -> Option<(u64, u64)> {
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Some((u64::try_from(begin).ok()?, u64::try_from(end).ok()?))
}

/// PEM blocks, also those that stand indented in another format.
fn blocks(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with("-----BEGIN ") {
            block = Some(String::new());
        }
        let Some(open) = &mut block else { continue };
        open.push_str(line);
        open.push('\n');
        if line.starts_with("-----END ") {
            found.extend(block.take());
        }
    }
    found
}

/// The public half of a private key, as a certificate holds it.
fn public_key(block: &str) -> Option<Box<[u8]>> {
    let key = PrivateKeyDer::from_pem_slice(block.as_bytes()).ok()?;
    let signing = any_supported_type(&key).ok()?;
    signing.public_key().map(|public| public.as_ref().into())
}

/// Whether it has every name that was asked for.
fn is_for(certificate: &X509Certificate<'_>, wanted: &BTreeMap<String, String>) -> bool {
    let mut names: Vec<String> = Vec::new();
    names.extend(certificate.subject().iter_common_name().filter_map(|name| Some(name.as_str().ok()?.to_lowercase())));
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    for name in alternatives.map(|names| names.value.general_names.as_slice()).unwrap_or_default() {
        match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => names.push(name.to_lowercase()),
            GeneralName::URI(uri) => names.push((*uri).to_lowercase()),
            GeneralName::IPAddress(bytes) => names.extend(address(bytes).map(|address| address.to_string())),
            _ => {}
        }
    }
    let asked = ["common_name", "alt_names", "ip_sans", "uri_sans"].iter().filter_map(|key| wanted.get(*key));
    let mut asked = asked.flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
    asked.all(|name| {
        let name = name.parse::<IpAddr>().map_or_else(|_not_one| name.to_lowercase(), |address| address.to_string());
        names.contains(&name)
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_longer| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests;
