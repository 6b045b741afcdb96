//! The agent's container.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::annotations::values::{quantity, socket};
use crate::annotations::{Annotations, Findings, INJECTED, STATUS};
use crate::config::AgentConfig;
use crate::plan::identity::Identity;
use crate::plan::objects::{
    Amounts, Capabilities, Container, Exec, Json, Port, Probe, Resources, SeccompProfile, SecurityContext, Variable,
};
use crate::plan::settings::Run;
use crate::plan::volumes::Volumes;
use crate::plan::{CONTAINER, Defaults};

const PROGRAM: &str = "/blinkchamber-agent";
/// Probes that may fail, of up to five seconds each, before the kubelet starts the agent anew. Waiting for a server that is
/// away must not end in restarts, so this is a day.
const LONGEST_START: u32 = 17_280;
/// A probe itself waits for the files: between two of them the kubelet lets a second pass.
const PROBE_WAIT: &str = "-wait=4s";

/// Bytes of one environment variable that Linux passes to a program (`MAX_ARG_STRLEN`), less its name.
const LONGEST_CONFIG: usize = 131_072 - "VAULT_CONFIG=".len() - 1;

/// Bytes of a container without its configuration, about.
const ROOM: usize = 2048;

/// The container as it goes into `initContainers`.
pub(super) fn container(
    notes: &Annotations<'_>,
    defaults: &Defaults,
    identity: &Identity,
    config: &AgentConfig,
    volumes: &Volumes<'_>,
    run: Run,
    findings: &mut Findings,
) -> Json {
    let image = notes.given("agent-image").map_or(defaults.image.as_str(), |given| given.value);
    if image.is_empty() {
        findings.refuse("no image of the agent is known: set the annotation blinkchamber.io/agent-image");
    }
    let policy = notes.text("agent-image-pull-policy").or(defaults.image_pull_policy.as_deref());
    let text = encoded(config, findings);
    let room = ROOM + text.len() + defaults.ca_cert_pem.as_ref().map_or(0, String::len);
    let container = Container {
        args: ["run"],
        command: [PROGRAM],
        env: environment(notes, defaults, config, &text, findings),
        image,
        image_pull_policy: policy.and_then(pull_policy),
        name: CONTAINER,
        ports: notes
            .parsed("agent-metrics-address", socket)
            .map(|address| [Port { container_port: address.port(), name: "agent-metrics" }]),
        resources: resources(notes, defaults, findings),
        restart_policy: (run != Run::Once).then_some("Always"),
        security_context: identity.context.then(|| security_context(identity)),
        startup_probe: (run == Run::Gating).then(startup_probe),
        termination_message_policy: "FallbackToLogsOnError",
        volume_mounts: &volumes.agent_mounts,
    };
    Json::write(&container, room)
}

/// The annotations that mark the pod as injected.
pub(super) fn annotations(container: &Json) -> Vec<(String, String)> {
    /// Enough hexadecimal digits to tell two plans apart.
    const DIGITS: usize = 16;
    let mut hash = String::with_capacity(DIGITS);
    for byte in Sha256::digest(container.as_bytes()).iter().take(DIGITS / 2) {
        // Writing to a text cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    vec![(INJECTED.to_owned(), hash), (STATUS.to_owned(), "injected".to_owned())]
}

/// The configuration as a variable holds it.
fn encoded(config: &AgentConfig, findings: &mut Findings) -> String {
    let text = BASE64_STANDARD.encode(Json::write(config, ROOM).as_bytes());
    if text.len() > LONGEST_CONFIG {
        findings.refuse(format!(
            "the agent's configuration has {} bytes, but a variable can hold {LONGEST_CONFIG}: shorten the templates or \
             read them from files with agent-inject-template-file-<name>",
            text.len()
        ));
    }
    text
}

fn environment<'a>(
    notes: &Annotations<'a>,
    defaults: &'a Defaults,
    config: &AgentConfig,
    text: &'a str,
    findings: &mut Findings,
) -> Vec<Variable<'a>> {
    let lower = |name: &str, default: &str| notes.text(name).unwrap_or(default).to_lowercase();
    let mut env = Vec::with_capacity(8);
    env.extend([
        Variable::field("NAMESPACE", "metadata.namespace"),
        Variable::field("HOST_IP", "status.hostIP"),
        Variable::field("POD_IP", "status.podIP"),
    ]);
    env.extend(notes.text("client-timeout").map(|timeout| Variable::new("VAULT_CLIENT_TIMEOUT", timeout)));
    env.extend([
        Variable::new("VAULT_LOG_LEVEL", lower("log-level", "info")),
        Variable::new("VAULT_LOG_FORMAT", lower("log-format", "standard")),
        Variable::new("VAULT_CONFIG", text),
    ]);
    if let Some(proxy) = notes.text("proxy-address").filter(|proxy| !proxy.is_empty()) {
        env.push(Variable::new("HTTPS_PROXY", proxy));
        if config.vault.as_ref().is_some_and(|server| server.address.starts_with("http://")) {
            findings.warn(
                "proxy-address has no effect: the server's address is http://, and only TLS goes through a proxy",
            );
        }
    }
    env.extend(defaults.ca_cert_pem.as_deref().map(|pem| Variable::new("VAULT_CACERT_BYTES", pem)));
    env
}

/// Requests and limits.
fn resources<'a>(notes: &Annotations<'a>, defaults: &'a Defaults, findings: &mut Findings) -> Resources<'a> {
    let ours = &defaults.resources;
    let mut pair = |requests: &str, request: &'a str, limits: &str, limit: &'a str| {
        amounts(notes, (requests, request), (limits, limit), findings)
    };
    let cpu = pair("agent-requests-cpu", &ours.request_cpu, "agent-limits-cpu", &ours.limit_cpu);
    let memory = pair("agent-requests-mem", &ours.request_memory, "agent-limits-mem", &ours.limit_memory);
    let storage = pair("agent-requests-ephemeral", "", "agent-limits-ephemeral", "");
    Resources {
        limits: Amounts { cpu: cpu.1, ephemeral_storage: storage.1, memory: memory.1 },
        requests: Amounts { cpu: cpu.0, ephemeral_storage: storage.0, memory: memory.0 },
    }
}

/// Request and limit of one resource, each by its annotation or else its default.
fn amounts<'a>(
    notes: &Annotations<'a>,
    (request_name, request): (&str, &'a str),
    (limit_name, limit): (&str, &'a str),
    findings: &mut Findings,
) -> (&'a str, &'a str) {
    let asked = (notes.given(request_name), notes.given(limit_name));
    let request = asked.0.map_or(request, |given| given.value);
    let limit = asked.1.map_or(limit, |given| given.value);
    let crossed = quantity(request).zip(quantity(limit)).is_some_and(|(least, most)| least > most);
    match asked {
        _ if !crossed => (request, limit),
        (Some(least), Some(most)) => {
            findings.refuse(format!(
                "{} is more than {}: lower the one or raise the other",
                least.shown(),
                most.shown()
            ));
            (request, limit)
        }
        // What the pod asks for moves the default that stands in its way.
        (Some(_), None) => (request, request),
        (None, Some(_)) => (limit, limit),
        (None, None) => (request, limit),
    }
}

/// What the restricted pod security standard asks for, and a root file system nobody can write to.
fn security_context(identity: &Identity) -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: false,
        capabilities: Capabilities { drop: ["ALL"] },
        read_only_root_filesystem: true,
        run_as_group: identity.group,
        run_as_non_root: identity.user != Some(0),
        run_as_user: identity.user,
        seccomp_profile: SeccompProfile { kind: "RuntimeDefault" },
    }
}

fn startup_probe() -> Probe {
    Probe {
        exec: Exec { command: [PROGRAM, "ready", PROBE_WAIT] },
        failure_threshold: LONGEST_START,
        period_seconds: 1,
        timeout_seconds: 5,
    }
}

/// The spelling of the API server.
fn pull_policy(policy: &str) -> Option<&'static str> {
    ["Always", "IfNotPresent", "Never"].into_iter().find(|known| known.eq_ignore_ascii_case(policy))
}
