//! A trust bundle that several replicas keep together, as a function from what is there to what should be.

use std::collections::BTreeSet;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::CaCert;

#[cfg(test)]
mod tests;

/// Organization of every authority that a replica makes; its common name is the replica's identity.
pub const ORGANIZATION: &str = "blinkchamber-webhook";

/// What a bundle should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    /// The certificates, in an order that does not depend on who merged them.
    pub certificates: Vec<CaCert>,
}

impl Bundle {
    /// What can be read of a PEM text. Damaged sections are left out: the bundle is to be repaired, not to be mourned.
    #[must_use]
    pub fn read(pem: &[u8]) -> Self {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .filter_map(Result::ok)
            .filter_map(|der| CaCert::from_der(der, "the bundle").ok())
            .collect();
        Self { certificates }
    }

    /// PEM text.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let mut out = String::new();
        for ca in &self.certificates {
            out.push_str(&encode(ca.der()));
        }
        out
    }
}

/// What the bundle should hold, given what it holds.
///
/// * `own`: this replica's authorities; all of them are in the result.
/// * An authority with our [`ORGANIZATION`] belongs to the replica its common name says. It stays while that replica
///   is in `live` (`None`: not known, so all stay) and goes when the replica is gone. Those that bear `identity`, our own
///   name, but are not in `own` come from an earlier process of this pod: their key is gone, and so are they.
/// * Other authorities stay while they are valid. Who may write the object may trust whom they like, and during a
///   change from files to our own authority both are needed.
/// * What has expired goes, whoever it belongs to.
///
/// The order is stable, so two replicas that merge the same facts write the same bytes.
#[must_use]
pub fn merge(
    existing: &Bundle,
    own: &[CaCert],
    identity: &str,
    live: Option<&BTreeSet<String>>,
    now: SystemTime,
) -> Bundle {
    let stays = |ca: &&CaCert| {
        let alive = match ca.owner() {
            None => true,
            Some(owner) if owner == identity => own.contains(ca),
            Some(owner) => live.is_none_or(|live| live.contains(owner)),
        };
        alive && now < ca.not_after
    };
    let mut certificates: Vec<CaCert> = existing.certificates.iter().filter(stays).chain(own).cloned().collect();
    certificates.sort_by(|a, b| {
        let key = |ca: &CaCert| (ca.organization.clone(), ca.name.clone(), ca.not_after);
        key(a).cmp(&key(b)).then_with(|| a.der().as_ref().cmp(b.der().as_ref()))
    });
    certificates.dedup();
    Bundle { certificates }
}

/// One PEM section, 64 characters a line.
fn encode(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::with_capacity(text.len() + text.len() / 64 + 64);
    out.push_str("-----BEGIN CERTIFICATE-----\n");
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            out.push('\n');
        }
        out.push(character);
    }
    out.push_str("\n-----END CERTIFICATE-----\n");
    out
}
