//! The agent's container.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::annotations::values::{quantity, socket};
use crate::annotations::{Annotations, Findings, INJECTED, STATUS};
use crate::config::AgentConfig;
use crate::plan::identity::Identity;
use crate::plan::settings::Run;
use crate::plan::volumes::Volumes;
use crate::plan::{CONTAINER, Defaults};

const PROGRAM: &str = "/blinkchamber-agent";
/// Seconds the containers after the agent wait for their files before the kubelet starts the agent anew. Waiting for a
/// server that is away must not end in restarts, so this is a day.
const LONGEST_START: u32 = 86_400;

/// Bytes of one environment variable that Linux passes to a program (`MAX_ARG_STRLEN`), less its name.
const LONGEST_CONFIG: usize = 131_072 - "VAULT_CONFIG=".len() - 1;

/// The container as it goes into `initContainers`.
pub(super) fn container(
    notes: &Annotations<'_>,
    defaults: &Defaults,
    identity: &Identity,
    config: &AgentConfig,
    volumes: &Volumes,
    run: Run,
    findings: &mut Findings,
) -> Value {
    let image = notes.given("agent-image").map_or(defaults.image.as_str(), |given| given.value);
    if image.is_empty() {
        findings.refuse("no image of the agent is known: set the annotation blinkchamber.io/agent-image");
    }
    let mut container = json!({
        "name": CONTAINER,
        "image": image,
        "command": [PROGRAM],
        "args": ["run"],
        "env": environment(notes, defaults, config, findings),
        "volumeMounts": volumes.agent_mounts,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let Some(fields) = container.as_object_mut() else { return container };
    let policy = notes.text("agent-image-pull-policy").or(defaults.image_pull_policy.as_deref());
    if let Some(policy) = policy.and_then(pull_policy) {
        fields.insert("imagePullPolicy".to_owned(), policy.into());
    }
    if let Some(resources) = resources(notes, defaults, findings) {
        fields.insert("resources".to_owned(), resources);
    }
    if identity.context {
        fields.insert("securityContext".to_owned(), security_context(identity));
    }
    if let Some(address) = notes.parsed("agent-metrics-address", socket) {
        fields.insert("ports".to_owned(), json!([{"name": "agent-metrics", "containerPort": address.port()}]));
    }
    if run != Run::Once {
        fields.insert("restartPolicy".to_owned(), "Always".into());
    }
    if run == Run::Gating {
        fields.insert("startupProbe".to_owned(), startup_probe());
    }
    container
}

/// The annotations that mark the pod as injected.
pub(super) fn annotations(container: &Value) -> Vec<(String, String)> {
    /// Enough hexadecimal digits to tell two plans apart.
    const DIGITS: usize = 16;
    let hash = Sha256::digest(container.to_string());
    let hash = hash.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    vec![(INJECTED.to_owned(), hash), (STATUS.to_owned(), "injected".to_owned())]
}

fn environment(
    notes: &Annotations<'_>,
    defaults: &Defaults,
    config: &AgentConfig,
    findings: &mut Findings,
) -> Vec<Value> {
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let value = |name: &str, value: &str| json!({"name": name, "value": value});
    let lower = |name: &str, default: &str| notes.text(name).unwrap_or(default).to_lowercase();
    let mut env = vec![
        field("NAMESPACE", "metadata.namespace"),
        field("HOST_IP", "status.hostIP"),
        field("POD_IP", "status.podIP"),
    ];
    env.extend(notes.text("client-timeout").map(|timeout| value("VAULT_CLIENT_TIMEOUT", timeout)));
    env.push(value("VAULT_LOG_LEVEL", &lower("log-level", "info")));
    env.push(value("VAULT_LOG_FORMAT", &lower("log-format", "standard")));
    // Serializing a tree of texts, numbers and lists cannot fail; an empty configuration would be refused by the agent.
    let text = serde_json::to_vec(config).unwrap_or_default();
    let text = BASE64_STANDARD.encode(text);
    if text.len() > LONGEST_CONFIG {
        findings.refuse(format!(
            "the agent's configuration has {} bytes, but a variable can hold {LONGEST_CONFIG}: shorten the templates or \
             read them from files with agent-inject-template-file-<name>",
            text.len()
        ));
    }
    env.push(value("VAULT_CONFIG", &text));
    env.extend(defaults.ca_cert_pem.as_deref().map(|pem| value("VAULT_CACERT_BYTES", pem)));
    env
}

/// Requests and limits; `None` when every one is left out.
fn resources(notes: &Annotations<'_>, defaults: &Defaults, findings: &mut Findings) -> Option<Value> {
    let ours = &defaults.resources;
    let rows = [
        ("cpu", "agent-requests-cpu", ours.request_cpu.as_str(), "agent-limits-cpu", ours.limit_cpu.as_str()),
        ("memory", "agent-requests-mem", ours.request_memory.as_str(), "agent-limits-mem", ours.limit_memory.as_str()),
        ("ephemeral-storage", "agent-requests-ephemeral", "", "agent-limits-ephemeral", ""),
    ];
    let mut requests = Map::new();
    let mut limits = Map::new();
    for (resource, request_name, request, limit_name, limit) in rows {
        let asked = (notes.given(request_name), notes.given(limit_name));
        let mut request = asked.0.map_or(request, |given| given.value);
        let mut limit = asked.1.map_or(limit, |given| given.value);
        let crossed = quantity(request).zip(quantity(limit)).is_some_and(|(least, most)| least > most);
        match asked {
            (Some(least), Some(most)) if crossed => {
                findings.refuse(format!(
                    "{} is more than {}: lower the one or raise the other",
                    least.shown(),
                    most.shown()
                ));
            }
            // What the pod asks for moves the default that stands in its way.
            (Some(_), None) if crossed => limit = request,
            (None, Some(_)) if crossed => request = limit,
            _ => {}
        }
        for (map, amount) in [(&mut requests, request), (&mut limits, limit)] {
            if !amount.is_empty() {
                map.insert(resource.to_owned(), amount.into());
            }
        }
    }
    let kinds = [("limits", limits), ("requests", requests)];
    let given: Map<String, Value> =
        kinds.into_iter().filter(|(_, map)| !map.is_empty()).map(|(kind, map)| (kind.to_owned(), map.into())).collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

/// What the restricted pod security standard asks for, and a root file system nobody can write to.
fn security_context(identity: &Identity) -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
        "runAsGroup": identity.group,
        "runAsNonRoot": identity.user != Some(0),
        "runAsUser": identity.user,
        "seccompProfile": {"type": "RuntimeDefault"},
    })
}

fn startup_probe() -> Value {
    json!({
        "exec": {"command": [PROGRAM, "ready"]},
        "periodSeconds": 1,
        "timeoutSeconds": 5,
        "failureThreshold": LONGEST_START,
    })
}

/// The spelling of the API server.
fn pull_policy(policy: &str) -> Option<&'static str> {
    ["Always", "IfNotPresent", "Never"].into_iter().find(|known| known.eq_ignore_ascii_case(policy))
}
