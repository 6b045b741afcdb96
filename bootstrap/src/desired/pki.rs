//! The authority of the platform's certificates, and who may have which.

use serde::Deserialize;

use super::{duration, each, name, seconds};

/// A mount of the PKI engine with a root of its own, whose key never leaves the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pki {
    /// Where it is mounted.
    pub mount: String,
    /// Common name of the root.
    pub common_name: String,
    /// Life of the root, a Go duration.
    #[serde(default = "ten_years")]
    pub ttl: String,
    /// Kinds of certificates.
    #[serde(default)]
    pub roles: Vec<PkiRole>,
}

/// `<mount>/issue/<name>` gives a certificate with its key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PkiRole {
    /// Its name.
    pub name: String,
    /// Domains that a certificate may name.
    pub allowed_domains: Vec<String>,
    /// Names below the domains too.
    #[serde(default = "yes")]
    pub allow_subdomains: bool,
    /// `*` in `allowed_domains` stands for any text without a dot.
    #[serde(default)]
    pub allow_glob_domains: bool,
    /// IP addresses too.
    #[serde(default)]
    pub allow_ip_sans: bool,
    /// For servers.
    #[serde(default = "yes")]
    pub server: bool,
    /// For clients.
    #[serde(default)]
    pub client: bool,
    /// The longest life of a certificate, a Go duration.
    pub max_ttl: String,
}

impl Pki {
    pub(super) fn check(&self, at: &str) -> Result<(), String> {
        name(&format!("{at}.mount"), &self.mount)?;
        duration(&format!("{at}.ttl"), &self.ttl)?;
        if self.common_name.trim().is_empty() {
            return Err(format!("{at}.commonName: must name the authority"));
        }
        each(&format!("{at}.roles"), &self.roles, |role, at| {
            name(&format!("{at}.name"), &role.name)?;
            duration(&format!("{at}.maxTtl"), &role.max_ttl)?;
            if seconds(&role.max_ttl) > seconds(&self.ttl) {
                return Err(format!("{at}.maxTtl: {:?} is longer than the root lives ({:?})", role.max_ttl, self.ttl));
            }
            if role.allowed_domains.is_empty() || role.allowed_domains.iter().any(|domain| domain.trim().is_empty()) {
                return Err(format!("{at}.allowedDomains: must name the domains of its certificates"));
            }
            Ok(())
        })
    }
}

fn ten_years() -> String {
    "87600h".to_owned()
}

fn yes() -> bool {
    true
}
