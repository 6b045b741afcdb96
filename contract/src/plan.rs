//! `Request -> Plan`: what a pod's annotations ask for, as a function of the pod and the injector's defaults.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::annotations::{Annotations, Findings};
use crate::config::AgentConfig;

mod conflicts;
mod container;
mod files;
mod gate;
mod identity;
mod objects;
mod patch;
mod pod;
mod settings;
#[cfg(test)]
mod tests;
mod volumes;

pub use objects::{EmptyDir, Json, Mount, Projected, Projection, SecretSource, Volume};

/// Scheduling gate that keeps a pod from starting before it was planned.
pub const GATE: &str = "blinkchamber.io/injection";

/// Name of the agent's container.
pub const CONTAINER: &str = "vault-agent";

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
    /// Annotations that hold where the pod does not set them, by name without prefix (`log-level`, ...).
    pub annotations: BTreeMap<String, String>,
}

impl Defaults {
    /// The defaults of a cluster that says nothing but the agent's image and the server's URL.
    #[must_use]
    pub fn new(image: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            address: address.into(),
            auth_path: "auth/kubernetes".to_owned(),
            auth_type: "kubernetes".to_owned(),
            token_expiration_seconds: 3600,
            volume_size_limit: "16Mi".to_owned(),
            run_as_user: 100,
            run_as_group: 1000,
            resources: Resources {
                request_cpu: "5m".to_owned(),
                request_memory: "16Mi".to_owned(),
                limit_cpu: "500m".to_owned(),
                limit_memory: "64Mi".to_owned(),
            },
            protected_namespaces: ["kube-node-lease", "kube-public", "kube-system"].map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }
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
    /// The init container to add, complete (native mode: `restartPolicy: Always` and a startup probe); its name is
    /// [`CONTAINER`].
    pub container: Json,
    /// Put it before the pod's own init containers.
    pub init_first: bool,
    /// Volumes to add, in order.
    pub volumes: Vec<Volume>,
    /// Mounts for the pod's containers (read-only), in order.
    pub mounts: Vec<Mount>,
    /// Names of the containers that get the mounts, init containers included: names are unique in a pod.
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
/// A pod that was injected before (status and `blinkchamber.io/injected` are set) is planned again, so that containers
/// added by other webhooks meanwhile get their mounts; applying a plan twice must change nothing.
///
/// # Errors
/// A [`Refusal`] that names every annotation that cannot be honoured.
pub fn plan(request: Request<'_>, defaults: &Defaults) -> Result<Outcome, Refusal> {
    let mut findings = Findings::default();
    let pod = pod::Pod::new(request.pod);
    bound(&pod)?;
    let notes = Annotations::read(pod.annotations(), &defaults.annotations, &mut findings);
    if gate::decide(request.namespace, &pod, &notes, defaults)? == gate::Verdict::LeaveAlone {
        return Ok(Outcome { decision: Decision::Skip, warnings: findings.warnings });
    }
    notes.check(&mut findings);
    let plan = draw(&pod, &notes, defaults, &mut findings);
    if findings.problems.is_empty() {
        Ok(Outcome { decision: Decision::Inject(Box::new(plan)), warnings: findings.warnings })
    } else {
        Err(Refusal { problems: shortened(findings.problems) })
    }
}

/// Admission comes before the API server's own check of sizes, so a pod may carry megabytes of annotations here.
///
/// # Errors
/// When they are more than the API server would accept afterwards, or more secrets than a pod has use for.
fn bound(pod: &pod::Pod<'_>) -> Result<(), Refusal> {
    /// The API server's limit for all keys and values of an object's annotations.
    const MOST_BYTES: usize = 256 << 10;
    /// Each annotation may be a secret of its own, and secrets are compared with one another.
    const MOST: usize = 2_000;
    let annotations = pod.annotations().and_then(Value::as_object);
    let bytes: usize =
        annotations.into_iter().flatten().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    let count = annotations.map_or(0, serde_json::Map::len);
    if bytes > MOST_BYTES || count > MOST {
        let problem = format!(
            "the pod has {count} annotations of {bytes} bytes in all: at most {MOST} and {MOST_BYTES} bytes are accepted"
        );
        return Err(Refusal { problems: vec![problem] });
    }
    Ok(())
}

/// The first problems, and how many more there are: an answer is for a person to read.
fn shortened(mut problems: Vec<String>) -> Vec<String> {
    const SHOWN: usize = 20;
    if problems.len() > SHOWN {
        let more = format!("and {} more", problems.len() - SHOWN);
        problems.truncate(SHOWN);
        problems.push(more);
    }
    problems
}

/// The plan as far as it can be drawn; what cannot is in the findings.
fn draw(pod: &pod::Pod<'_>, notes: &Annotations<'_>, defaults: &Defaults, findings: &mut Findings) -> Plan {
    let containers = files::containers(pod, notes, findings);
    let mut files = files::files(notes, findings);
    let signals = files.sends_signals();
    let identity = identity::identity(pod, notes, defaults, &containers, signals, findings);
    files.own(pod, notes, &identity, &containers, findings);
    conflicts::check(pod, &containers, &files.mounts, findings);

    let volumes = volumes::volumes(pod, notes, defaults, &files.mounts, findings);
    let config = settings::config(notes, defaults, files, &volumes, findings);
    let run = settings::run(pod, notes, findings);
    let mut container = container::container(notes, defaults, &identity, &config, &volumes, run, findings);
    patch::apply(notes, run, &mut container, findings);
    Plan {
        annotations: container::annotations(&container),
        config,
        container,
        init_first: notes.flag("agent-init-first", false),
        volumes: volumes.all,
        mounts: volumes.app_mounts,
        containers,
        share_process_namespace: settings::share_process_namespace(pod, notes, signals, findings),
    }
}
