//! What a plan adds to a pod, as the API server reads it: the fields that are ever written, and no others.
//!
//! Fields stand in the order of their names, as they would in a tree, so that a container's hash does not depend on
//! whether it went through one.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A JSON value as text: what is hashed and sent as it is need not be a tree in between.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Json(Vec<u8>);

impl Json {
    /// Writes a value for which `room` bytes are most likely enough.
    pub(super) fn write(value: &impl Serialize, room: usize) -> Self {
        let mut text = Vec::with_capacity(room);
        // Texts, numbers and lists can always be written; nothing would be refused by whoever reads it.
        if serde_json::to_writer(&mut text, value).is_err() {
            text.clear();
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value as a tree; `null` where nothing was written.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A volume of the pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Volume {
    /// A directory in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<EmptyDir>,
    /// Its name, unlike any other in the pod.
    pub name: Cow<'static, str>,
    /// Files that the kubelet keeps up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projected: Option<Projected>,
    /// A Kubernetes Secret, which only the user asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
}

/// `emptyDir`, always in memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EmptyDir {
    /// `Memory`.
    pub medium: &'static str,
    /// A quantity; empty: no limit.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub size_limit: Cow<'static, str>,
}

/// `projected`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Projected {
    /// What lies in it.
    pub sources: Vec<Projection>,
}

/// One source of a projected volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Projection {
    /// Items of a ConfigMap.
    ConfigMap(Value),
    /// Fields of the pod.
    #[serde(rename = "downwardAPI")]
    DownwardApi(Value),
    /// A token of the pod's service account.
    #[serde(rename_all = "camelCase")]
    ServiceAccountToken {
        /// Empty: the API server.
        #[serde(skip_serializing_if = "String::is_empty")]
        audience: String,
        /// Life in seconds.
        expiration_seconds: u64,
        /// Name of the file.
        path: &'static str,
    },
}

/// `secret`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecretSource {
    /// Name of the Secret.
    pub secret_name: String,
}

/// A volume mount of a container.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mount {
    /// Where.
    pub mount_path: Cow<'static, str>,
    /// Which volume.
    pub name: Cow<'static, str>,
    /// Whether the container may not write.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Mount {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, path: impl Into<Cow<'static, str>>) -> Self {
        Self { mount_path: path.into(), name: name.into(), read_only: false }
    }

    pub(super) fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }
}

/// A mount of the agent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum AgentMount<'a> {
    /// Copied from a container of the pod, with whatever fields it has.
    Copied(&'a Value),
    /// One that the plan makes.
    Ours(Mount),
}

impl AgentMount<'_> {
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Copied(mount) => mount.get("mountPath").and_then(Value::as_str),
            Self::Ours(mount) => Some(&mount.mount_path),
        }
    }
}

/// The agent's container.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container<'a> {
    pub(super) args: [&'static str; 1],
    pub(super) command: [&'static str; 1],
    pub(super) env: Vec<Variable<'a>>,
    pub(super) image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_pull_policy: Option<&'static str>,
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ports: Option<[Port; 1]>,
    #[serde(skip_serializing_if = "Resources::is_empty")]
    pub(super) resources: Resources<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restart_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security_context: Option<SecurityContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) startup_probe: Option<Probe>,
    pub(super) termination_message_policy: &'static str,
    pub(super) volume_mounts: &'a [AgentMount<'a>],
}

/// An environment variable.
#[derive(Serialize)]
pub(super) struct Variable<'a> {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(rename = "valueFrom", skip_serializing_if = "Option::is_none")]
    from: Option<FromField>,
}

impl<'a> Variable<'a> {
    pub(super) fn new(name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name, value: Some(value.into()), from: None }
    }

    /// One that the kubelet takes from the pod.
    pub(super) fn field(name: &'static str, field_path: &'static str) -> Self {
        Self { name, value: None, from: Some(FromField { field_ref: FieldRef { field_path } }) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FromField {
    field_ref: FieldRef,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRef {
    field_path: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Port {
    pub(super) container_port: u16,
    pub(super) name: &'static str,
}

#[derive(Default, Serialize)]
pub(super) struct Resources<'a> {
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub(super) limits: Amounts<'a>,
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub(super) requests: Amounts<'a>,
}

impl Resources<'_> {
    fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.requests.is_empty()
    }
}

/// Quantities; an empty one is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Amounts<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) cpu: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) ephemeral_storage: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) memory: &'a str,
}

impl Amounts<'_> {
    fn is_empty(&self) -> bool {
        self.cpu.is_empty() && self.ephemeral_storage.is_empty() && self.memory.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityContext {
    pub(super) allow_privilege_escalation: bool,
    pub(super) capabilities: Capabilities,
    pub(super) read_only_root_filesystem: bool,
    pub(super) run_as_group: Option<i64>,
    pub(super) run_as_non_root: bool,
    pub(super) run_as_user: Option<i64>,
    pub(super) seccomp_profile: SeccompProfile,
}

#[derive(Serialize)]
pub(super) struct Capabilities {
    pub(super) drop: [&'static str; 1],
}

#[derive(Serialize)]
pub(super) struct SeccompProfile {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Probe {
    pub(super) exec: Exec,
    pub(super) failure_threshold: u32,
    pub(super) period_seconds: u32,
    pub(super) timeout_seconds: u32,
}

#[derive(Serialize)]
pub(super) struct Exec {
    pub(super) command: [&'static str; 3],
}
