//! The command line. Values stay text here: [`crate::settings`] checks them, all at once.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[cfg(test)]
mod tests;

/// Adds an agent to pods that ask for secrets: as an admission webhook, or offline.
#[derive(Debug, Parser)]
#[command(name = "blinkchamber-webhook", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer the API server's admission reviews
    Serve(Box<Serve>),
    /// Show what would become of manifests; nothing is sent anywhere
    Inject(Box<Inject>),
}

/// `serve`.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Address of the TLS port
    #[arg(long, env = "BLINKCHAMBER_LISTEN", default_value = "0.0.0.0:8443")]
    pub(crate) listen: String,
    /// Address of the plain port for /livez, /readyz and /metrics
    #[arg(long, env = "BLINKCHAMBER_ADMIN_LISTEN", default_value = "0.0.0.0:8080")]
    pub(crate) admin_listen: String,
    /// MutatingWebhookConfiguration whose caBundle is kept up to date; none: somebody else does it
    #[arg(long, env = "BLINKCHAMBER_WEBHOOK_CONFIG_NAME", value_name = "NAME")]
    pub(crate) webhook_config_name: Option<String>,
    /// Service by which the API server calls
    #[arg(long, env = "BLINKCHAMBER_SERVICE_NAME", value_name = "NAME")]
    pub(crate) service_name: Option<String>,
    /// Our own namespace
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Our own pod
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub(crate) pod_name: Option<String>,
    /// Certificate from a file instead of our own authority; re-read when it changes
    #[arg(long, env = "BLINKCHAMBER_TLS_CERT_FILE", value_name = "FILE")]
    pub(crate) tls_cert_file: Option<String>,
    /// Its key
    #[arg(long, env = "BLINKCHAMBER_TLS_KEY_FILE", value_name = "FILE")]
    pub(crate) tls_key_file: Option<String>,
    /// Authorities to put into the caBundle
    #[arg(long, env = "BLINKCHAMBER_TLS_CA_FILE", value_name = "FILE")]
    pub(crate) tls_ca_file: Option<String>,
    /// Life of a certificate of our own authority
    #[arg(long, env = "BLINKCHAMBER_LEAF_LIFETIME", default_value = "24h", value_name = "DURATION")]
    pub(crate) leaf_lifetime: String,
    /// Time between SIGTERM and the end of the accept loop, for endpoints to be updated
    #[arg(long, env = "BLINKCHAMBER_DRAIN_DELAY", default_value = "5s", value_name = "DURATION")]
    pub(crate) drain_delay: String,
    /// Delete gated pods that were made while no webhook was there [true|false]
    #[arg(long, env = "BLINKCHAMBER_RECONCILE", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_name = "BOOL")]
    pub(crate) reconcile: String,
    /// trace, debug, info, warn, error; or by module: info,hyper=warn
    #[arg(long, env = "BLINKCHAMBER_LOG_LEVEL", default_value = "info", value_name = "FILTER")]
    pub(crate) log_level: String,
    /// text or json
    #[arg(long, env = "BLINKCHAMBER_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: String,
    /// ConfigMap in which OpenBao's members publish their authority, under ca.crt; agents are given it
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_CONFIG_MAP", value_name = "NAMESPACE/NAME")]
    pub(crate) vault_ca_config_map: Option<String>,
    #[command(flatten)]
    pub(crate) injection: Injection,
}

/// `inject`.
#[derive(Args, Debug)]
pub(crate) struct Inject {
    /// Manifests, YAML or JSON; - is standard input
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print the JSON patches instead of the injected manifests
    #[arg(long)]
    pub(crate) patch: bool,
    /// Namespace of manifests that name none
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) injection: Injection,
}

/// What holds when a pod says nothing.
#[derive(Args, Debug)]
#[command(next_help_heading = "What pods get")]
pub(crate) struct Injection {
    /// URL of the server, such as http://vault.blinkchamber.svc:8200 (required)
    #[arg(long, env = "BLINKCHAMBER_VAULT_ADDRESS", value_name = "URL")]
    pub(crate) vault_address: Option<String>,
    /// Mount of the auth method
    #[arg(long, env = "BLINKCHAMBER_VAULT_AUTH_PATH", default_value = "auth/kubernetes", value_name = "PATH")]
    pub(crate) vault_auth_path: String,
    /// Auth method
    #[arg(long, env = "BLINKCHAMBER_VAULT_AUTH_TYPE", default_value = "kubernetes", value_name = "TYPE")]
    pub(crate) vault_auth_type: String,
    /// PEM file with the server's authority, read at the start
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_FILE", value_name = "FILE")]
    pub(crate) vault_ca_file: Option<String>,
    /// Image of the agent (required)
    #[arg(long, env = "BLINKCHAMBER_AGENT_IMAGE", value_name = "IMAGE")]
    pub(crate) agent_image: Option<String>,
    /// Always, IfNotPresent or Never
    #[arg(long, env = "BLINKCHAMBER_AGENT_IMAGE_PULL_POLICY", value_name = "POLICY")]
    pub(crate) agent_image_pull_policy: Option<String>,
    /// Audience of the agent's service account token
    #[arg(long, env = "BLINKCHAMBER_TOKEN_AUDIENCE", default_value = "vault", value_name = "NAME")]
    pub(crate) token_audience: String,
    /// Life of the agent's service account token in seconds, at least 600
    #[arg(long, env = "BLINKCHAMBER_TOKEN_EXPIRATION", default_value = "3600", value_name = "SECONDS")]
    pub(crate) token_expiration: String,
    /// Size limit of a volume with secrets
    #[arg(long, env = "BLINKCHAMBER_VOLUME_SIZE_LIMIT", default_value = "16Mi", value_name = "QUANTITY")]
    pub(crate) volume_size_limit: String,
    /// uid of the agent
    #[arg(long, env = "BLINKCHAMBER_RUN_AS_USER", default_value = "100", value_name = "UID")]
    pub(crate) run_as_user: String,
    /// gid of the agent
    #[arg(long, env = "BLINKCHAMBER_RUN_AS_GROUP", default_value = "1000", value_name = "GID")]
    pub(crate) run_as_group: String,
    /// Requested processor time of the agent; empty: none
    #[arg(long, env = "BLINKCHAMBER_CPU_REQUEST", default_value = "10m", value_name = "QUANTITY")]
    pub(crate) cpu_request: String,
    /// Requested memory of the agent; empty: none
    #[arg(long, env = "BLINKCHAMBER_MEMORY_REQUEST", default_value = "16Mi", value_name = "QUANTITY")]
    pub(crate) memory_request: String,
    /// Most processor time of the agent; empty: no limit
    #[arg(long, env = "BLINKCHAMBER_CPU_LIMIT", default_value = "", value_name = "QUANTITY")]
    pub(crate) cpu_limit: String,
    /// Most memory of the agent, its files included; empty: no limit
    #[arg(long, env = "BLINKCHAMBER_MEMORY_LIMIT", default_value = "64Mi", value_name = "QUANTITY")]
    pub(crate) memory_limit: String,
}
