//! `Request -> Plan`: what a pod's annotations ask for, as a function of the pod and the injector's defaults.

use serde_json::Value;

use crate::config::AgentConfig;

/// A pod as the API server shows it, and where it will live.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Namespace of the admission request (a pod of a Deployment has none in its metadata yet).
    pub namespace: &'a str,
    /// The raw pod: `metadata` and `spec`; fields we do not know pass through untouched.
    pub pod: &'a Value,
}

/// What holds when a pod says nothing: the injector's flags and the chart's values.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Defaults {
    /// Agent image.
    pub image: String,
    /// Pull policy of the agent image, if any.
    pub image_pull_policy: Option<String>,
    /// Server URL.
    pub address: String,
    /// PEM certificate authority of the server, given to the agent as `VAULT_CACERT_BYTES` (not a secret).
    pub ca_cert_pem: Option<String>,
    /// Mount of the auth method.
    pub auth_path: String,
    /// Auth method.
    pub auth_type: String,
    /// Audience of the projected service account token.
    pub token_audience: String,
    /// Life of the projected token in seconds (600 at least).
    pub token_expiration_seconds: u64,
    /// Size limit of each secret volume, a quantity.
    pub volume_size_limit: String,
    /// uid of the agent where the pod names none.
    pub run_as_user: i64,
    /// gid of the agent where the pod names none.
    pub run_as_group: i64,
    /// Resource quantities of the agent; an empty string leaves one out.
    pub resources: Resources,
    /// Namespaces in which injection is refused.
    pub protected_namespaces: Vec<String>,
}

/// Quantities of the agent's container.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resources {
    /// `requests.cpu`.
    pub request_cpu: String,
    /// `requests.memory`.
    pub request_memory: String,
    /// `limits.cpu`.
    pub limit_cpu: String,
    /// `limits.memory`; must hold the agent and every file it writes.
    pub limit_memory: String,
}

/// The answer to a request, with what the user should know about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Inject or leave alone.
    pub decision: Decision,
    /// Admission warnings: misspelt keys, settings without effect.
    pub warnings: Vec<String>,
}

/// Inject or leave alone.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Nothing to do.
    Skip,
    /// The pod gets an agent.
    Inject(Box<Plan>),
}

/// Everything the webhook needs to write the patch and the compiler needs to write the policy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// What the agent is told (env `VAULT_CONFIG`).
    pub config: AgentConfig,
    /// The init container to add, complete, as a JSON object (native mode: `restartPolicy: Always` and a startup probe).
    pub container: Value,
    /// Put it before the pod's own init containers.
    pub init_first: bool,
    /// Volumes to add, as JSON objects, in order.
    pub volumes: Vec<Value>,
    /// Mounts for the pod's containers, as JSON objects (read-only), in order.
    pub mounts: Vec<Value>,
    /// Names of the containers that get the mounts.
    pub containers: Vec<String>,
    /// `spec.shareProcessNamespace`, when it has to be set.
    pub share_process_namespace: Option<bool>,
    /// Annotations to write.
    pub annotations: Vec<(String, String)>,
}

/// Why a pod is refused: every problem, not just the first.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", problems.join("; "))]
pub struct Refusal {
    /// One sentence each: the annotation, its value, what is accepted.
    pub problems: Vec<String>,
}

/// Decides what happens to a pod. Pure: no clock, no I/O, no randomness; the same input gives the same plan.
///
/// # Errors
/// A [`Refusal`] that names every annotation that cannot be honoured.
pub fn plan(_request: Request<'_>, _defaults: &Defaults) -> Result<Outcome, Refusal> {
    Ok(Outcome { decision: Decision::Skip, warnings: Vec::new() })
}
