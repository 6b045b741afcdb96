//! The environment as an interface: every variable that the agent reads, read once.
//!
//! Where OpenBao and Vault name a variable differently, OpenBao's name wins.

use std::{collections::BTreeMap, env};

/// Base64 of the configuration (the webhook sets it).
pub(crate) const CONFIG: &str = "VAULT_CONFIG";
/// URL of the server; overrides the configuration.
pub(crate) const ADDRESS: &str = "ADDR";
/// PEM file of authorities; overrides the configuration.
pub(crate) const CA_CERT: &str = "CACERT";
/// Directory of PEM files of authorities.
pub(crate) const CA_PATH: &str = "CAPATH";
/// Authorities as PEM text, or base64 of it.
pub(crate) const CA_CERT_BYTES: &str = "CACERT_BYTES";
/// PEM file of the client certificate.
pub(crate) const CLIENT_CERT: &str = "CLIENT_CERT";
/// PEM file of its key.
pub(crate) const CLIENT_KEY: &str = "CLIENT_KEY";
/// A Go boolean: accept any certificate of the server.
pub(crate) const SKIP_VERIFY: &str = "SKIP_VERIFY";
/// Time limit of one request: seconds, or a Go duration.
pub(crate) const CLIENT_TIMEOUT: &str = "CLIENT_TIMEOUT";
/// Name in the server's certificate.
pub(crate) const TLS_SERVER_NAME: &str = "TLS_SERVER_NAME";
/// URL of the HTTP proxy on the way to an `https://` server; also in small letters.
pub(crate) const PROXY: &str = "HTTPS_PROXY";
/// Hosts, domains and networks that are reached without it; also in small letters.
pub(crate) const NO_PROXY: &str = "NO_PROXY";
/// Host of the Kubernetes API server; the kubelet sets it.
pub(crate) const API_HOST: &str = "KUBERNETES_SERVICE_HOST";
/// Its port.
pub(crate) const API_PORT: &str = "KUBERNETES_SERVICE_PORT";
/// Namespace of the requests.
pub(crate) const NAMESPACE: &str = "NAMESPACE";
/// `trace`, `debug`, `info`, `warn` or `error`, or directives such as `info,hyper=warn`.
pub(crate) const LOG_LEVEL: &str = "LOG_LEVEL";
/// `standard` (also `text`) or `json`.
pub(crate) const LOG_FORMAT: &str = "LOG_FORMAT";

/// The server families whose prefix is read, the first that is set wins.
const PREFIXES: [&str; 2] = ["BAO_", "VAULT_"];

/// A copy of the process environment. Its values reach templates, so there is no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process; what is not UTF-8 is left out.
    pub(crate) fn of_process() -> Self {
        let pairs =
            env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self(pairs.collect())
    }

    /// The value of a variable, under exactly this name.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `BAO_<name>`, else `VAULT_<name>`; an empty one is not set.
    pub(crate) fn server(&self, name: &str) -> Option<&str> {
        let mut candidates = PREFIXES.iter().filter_map(|prefix| self.variable(&format!("{prefix}{name}")));
        candidates.find(|value| !value.trim().is_empty())
    }

    /// A variable that is customary in capitals and in small letters; an empty one is not set.
    pub(crate) fn either_case(&self, name: &str) -> Option<&str> {
        let small = || self.variable(&name.to_lowercase()).filter(|value| !value.trim().is_empty());
        self.variable(name).filter(|value| !value.trim().is_empty()).or_else(small)
    }

    /// Everything, for templates.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests;
