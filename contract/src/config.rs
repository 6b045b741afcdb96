//! The agent's configuration: Vault Agent's schema, and ours under the key `blinkchamber`.
//!
//! Written as JSON in the order vault-k8s writes it (`VAULT_CONFIG`), read from JSON or HCL 1. The same text starts
//! `vault agent` and `bao agent`: both ignore top-level keys they do not know.

use std::collections::BTreeMap;

use blinkchamber_hcl::Position;
use serde::Serialize;

mod read;
mod reader;
#[cfg(test)]
mod tests;

/// Everything the agent is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentConfig {
    /// How to log in, and where to put the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_auth: Option<AutoAuth>,
    /// Render everything once, then end with 0 (an init container).
    pub exit_after_auth: bool,
    /// File that holds the process id while the agent runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<String>,
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<Server>,
    /// One per file.
    #[serde(rename = "template", skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
    /// What holds for all templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_config: Option<TemplateConfig>,
    /// Accepted for compatibility; the agent keeps one pooled connection per server anyway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disable_idle_connections: Vec<String>,
    /// Accepted for compatibility.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disable_keep_alives: Vec<String>,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// `standard` or `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// What only `blinkchamber-agent` knows; other agents ignore the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blinkchamber: Option<Extension>,
}

/// A configuration that was read, and what its author should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The configuration.
    pub config: AgentConfig,
    /// Keys without effect, each with file, line and key.
    pub warnings: Vec<String>,
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}:{}:{}: {key}: {message}", position.line, position.column)]
pub struct ReadError {
    /// Name of the file, as it was given.
    pub file: String,
    /// Where.
    pub position: Position,
    /// Full name of the key, such as `auto_auth.method.type`.
    pub key: String,
    /// What is wrong and what is accepted; never a value.
    pub message: String,
}

impl AgentConfig {
    /// Reads Vault Agent's configuration, as JSON or HCL 1; `name` is what errors call the text.
    ///
    /// Unknown keys at the top are ignored with a warning, as other agents ignore them; unknown keys in `template`,
    /// `template_config` and `blinkchamber` are errors.
    ///
    /// # Errors
    /// A [`ReadError`] for text that is neither, for values of the wrong type, and for what is not supported and would
    /// be missed.
    pub fn parse(name: &str, text: &str) -> Result<Parsed, ReadError> {
        let body = blinkchamber_hcl::parse(text).map_err(|error| ReadError {
            file: name.to_owned(),
            position: error.position,
            key: "syntax".to_owned(),
            message: error.message,
        })?;
        read::config(name, &body)
    }
}

/// `auto_auth`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AutoAuth {
    /// How to log in.
    pub method: Method,
    /// Where the token is written, if anywhere.
    #[serde(rename = "sink", skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<Sink>,
}

/// `auto_auth.method`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Method {
    /// `kubernetes`, `approle` or `token_file`; others are refused when the agent starts.
    #[serde(rename = "type")]
    pub kind: String,
    /// Mount of the auth method, such as `auth/kubernetes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// Shortest wait between two logins, a Go duration (default 1s).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_backoff: Option<String>,
    /// Longest wait between two logins, a Go duration (default 5m).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_backoff: Option<String>,
    /// `X-Vault-Namespace` of the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The method's own settings (`role`, `token_path`, ...); values are strings, numbers or booleans.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, serde_json::Value>,
    /// End with an error when the first login fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exit_on_err: bool,
}

/// `auto_auth.sink`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sink {
    /// Always `file`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `path`, and optionally `mode`, `uid`, `gid`.
    pub config: BTreeMap<String, serde_json::Value>,
}

/// `vault`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Server {
    /// URL of the server.
    pub address: String,
    /// PEM file with the certificate authorities to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert: Option<String>,
    /// Directory of PEM files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_path: Option<String>,
    /// Do not verify the server's certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_skip_verify: bool,
    /// PEM file of a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<String>,
    /// PEM file of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// Name to ask for and to verify instead of the address's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// Namespace of all requests but the login's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// `template`: one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Template {
    /// Absolute path of the file.
    pub destination: String,
    /// Template text; exactly one of `contents` and `source` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<String>,
    /// Left delimiter (default `{{`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_delimiter: Option<String>,
    /// Right delimiter (default `}}`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_delimiter: Option<String>,
    /// Command to run after the bytes changed; one string with spaces goes to `sh -c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// File that holds the template text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Octal mode (default 0644, as in Vault Agent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perms: Option<String>,
    /// A missing key is an error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub error_on_missing_key: bool,
    /// Make the directories of `destination` (default true).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_dest_dirs: Option<bool>,
    /// Owner, a name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Group, a name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// `template_config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TemplateConfig {
    /// Accepted for compatibility: the agent keeps what it has and retries for ever, except in init mode.
    pub exit_on_retry_failure: bool,
    /// How often static secrets are looked at, a Go duration (our default 30s).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_secret_render_interval: Option<String>,
    /// Most connections to one server at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections_per_host: Option<i64>,
    /// Share of a non-renewable lease after which it is replaced (default 0.9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_renewal_threshold: Option<f64>,
}

/// `blinkchamber`: what our agent adds to the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Extension {
    /// Directories whose files are one generation behind one symlink swap (the pod's secret volumes).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generations: Vec<String>,
    /// Directory of the control socket (`agent.sock`), the agent's home volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// What to do after the bytes of a destination changed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reload: BTreeMap<String, Vec<ReloadAction>>,
    /// Reload only while this Lease is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload_lease: Option<ReloadLease>,
    /// Give the token and its leases back at the end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub revoke_on_exit: bool,
    /// Wait before giving back, a Go duration (default 5s).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_grace: Option<String>,
    /// How long a credential that was replaced is left alive for the application to change over, a Go duration
    /// (default 60s); then its lease is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<String>,
    /// Address of the metrics port, such as `0.0.0.0:9102`; none is opened unless this is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_address: Option<String>,
}

/// `blinkchamber.reload_lease`: of several replicas one reloads at a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReloadLease {
    /// Name of a `coordination.k8s.io` Lease in the pod's namespace.
    pub name: String,
    /// Directory with `token`, `ca.crt`, `namespace` and `pod`: how to ask the API server, and for whom.
    pub credentials: String,
    /// `http://` URL in the pod that answers 200 when the application is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_url: Option<String>,
    /// Longest wait for the application, a Go duration (default 5m).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_timeout: Option<String>,
}

/// One way to tell a process that its files changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReloadAction {
    /// Send a signal to the processes of the shared process namespace with this executable (or script) name; of a
    /// server with workers of the same name, to the one that leads them.
    Signal {
        /// `SIGHUP`, `SIGUSR1`, ...
        signal: String,
        /// Base name of the executable or of the script it runs.
        process: String,
    },
    /// Run a program of the agent's own image; no shell.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Make one HTTP request; any 2xx is success.
    Http {
        /// `GET`, `POST` or `PUT`.
        method: String,
        /// `http://` URL, usually on the pod's loopback.
        url: String,
    },
}
