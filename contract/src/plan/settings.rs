//! What the agent is told.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::annotations::values::{names, share, unsigned};
use crate::annotations::{Annotations, Findings};
use crate::config::{
    AgentConfig, AutoAuth, Extension, Method, ReloadAction, ReloadLease, Server, Sink, TemplateConfig,
};
use crate::plan::Defaults;
use crate::plan::files::Files;
use crate::plan::pod::Pod;
use crate::plan::volumes::{API_PATH, HOME_PATH, Volumes};

pub(super) const KUBERNETES: &str = "kubernetes";

/// Login methods of the agent, and the setting each cannot do without.
const METHODS: [(&str, &str); 3] =
    [(KUBERNETES, "role"), ("approle", "role_id_file_path"), ("token_file", "token_file_path")];
/// Seconds Kubernetes gives a pod to end when the pod does not say.
const TERMINATION_GRACE: u64 = 30;
const REVOKE_GRACE: u64 = 5;

/// How the agent's container lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Run {
    /// Until the pod ends; the containers after it wait for the files.
    Gating,
    /// Until the pod ends; nobody waits.
    Beside,
    /// Until the files are written.
    Once,
}

/// How the agent's container lives, and what that rules out.
pub(super) fn run(pod: &Pod<'_>, notes: &Annotations<'_>, findings: &mut Findings) -> Run {
    let once = notes.flag("agent-pre-populate-only", false);
    let gating = notes.flag("agent-pre-populate", true);
    if let Some(given) = notes.given("mode").filter(|given| given.value.eq_ignore_ascii_case("classic")) {
        findings.refuse(format!("{} is not supported yet: expected native, or no annotation", given.shown()));
    }
    if once && !gating {
        findings.refuse(
            "annotations agent-pre-populate: \"false\" and agent-pre-populate-only: \"true\" together ask for no agent \
             at all: take one of them out",
        );
    }
    if !once {
        check_grace(pod, notes, findings);
    } else if let Some((_, given)) = notes.members("agent-reload").next() {
        findings.refuse(format!(
            "{} needs an agent that keeps running: take it or agent-pre-populate-only out",
            given.shown()
        ));
    } else if notes.flag("agent-revoke-on-shutdown", false) {
        findings.warn("agent-revoke-on-shutdown has no effect with agent-pre-populate-only: the agent ends at once");
    }
    match (once, gating) {
        (true, _) => Run::Once,
        (false, true) => Run::Gating,
        (false, false) => Run::Beside,
    }
}

/// The login method.
pub(super) fn auth_type<'a>(notes: &Annotations<'a>, defaults: &'a Defaults) -> &'a str {
    notes.given("auth-type").map_or(defaults.auth_type.as_str(), |given| given.value)
}

/// The agent's configuration.
pub(super) fn config(
    notes: &Annotations<'_>,
    defaults: &Defaults,
    files: Files,
    volumes: &Volumes<'_>,
    findings: &mut Findings,
) -> AgentConfig {
    let once = notes.flag("agent-pre-populate-only", false);
    AgentConfig {
        auto_auth: Some(AutoAuth { method: method(notes, defaults, volumes, findings), sinks: sinks(&files) }),
        exit_after_auth: once,
        pid_file: Some(format!("{HOME_PATH}/.pid")),
        vault: Some(server(notes, defaults, findings)),
        template_config: Some(template_config(notes)),
        disable_idle_connections: list(notes, "agent-disable-idle-connections"),
        disable_keep_alives: list(notes, "agent-disable-keep-alives"),
        blinkchamber: Some(extension(notes, files.mounts, files.reload, once, findings)),
        templates: files.templates,
        ..AgentConfig::default()
    }
}

/// `spec.shareProcessNamespace`, when the pod does not say it already.
pub(super) fn share_process_namespace(
    pod: &Pod<'_>,
    notes: &Annotations<'_>,
    signals: bool,
    findings: &mut Findings,
) -> Option<bool> {
    let given = notes.given("agent-share-process-namespace");
    let asked = given.map(|_| notes.flag("agent-share-process-namespace", false));
    let present = pod.spec("shareProcessNamespace").and_then(Value::as_bool);
    let host = pod.spec("hostPID").and_then(Value::as_bool) == Some(true);
    if signals && asked == Some(false) {
        findings.refuse(
            "annotation agent-share-process-namespace: \"false\" rules out the signal actions of agent-reload: \
             take one of them out",
        );
    }
    if host && (signals || asked == Some(true)) {
        findings.refuse("the pod's hostPID rules out a shared process namespace and with it signal actions");
    }
    let wanted = asked.or_else(|| signals.then_some(true))?;
    if wanted && present == Some(false) {
        let why = if asked.is_some() { "agent-share-process-namespace" } else { "a signal action of agent-reload" };
        findings.refuse(format!("{why} needs shareProcessNamespace, which the pod sets to false: set it to true"));
    }
    (present != Some(wanted)).then_some(wanted)
}

fn method(notes: &Annotations<'_>, defaults: &Defaults, volumes: &Volumes<'_>, findings: &mut Findings) -> Method {
    let kind = auth_type(notes, defaults).replace('-', "_");
    let mut config: BTreeMap<String, Value> = BTreeMap::new();
    if let Some(path) = &volumes.token {
        config.insert("token_path".to_owned(), path.as_str().into());
    }
    for (parameter, given) in notes.members("auth-config") {
        config.insert(parameter.replace('-', "_"), given.value.into());
    }
    if let Some(role) = notes.text("role") {
        config.insert("role".to_owned(), role.into());
    }
    match METHODS.iter().find(|(method, _)| *method == kind) {
        Some((method, needed)) => {
            let missing = config.get(*needed).and_then(Value::as_str).is_none_or(str::is_empty);
            if missing {
                let annotation = match *needed {
                    "role" => "role".to_owned(),
                    other => format!("auth-config-{}", other.replace('_', "-")),
                };
                findings.refuse(format!(
                    "the login method {method} needs the annotation blinkchamber.io/{annotation}, which is not set"
                ));
            }
        }
        None => findings.refuse(format!(
            "the login method {kind:?} (annotation auth-type) is not supported yet: expected one of {}",
            METHODS.map(|(method, _)| method).join(", ")
        )),
    }
    let mount_path = notes.given("auth-path").map_or(defaults.auth_path.as_str(), |given| given.value);
    if mount_path.is_empty() {
        findings.refuse("no mount path of the login method is known: set the annotation blinkchamber.io/auth-path");
    }
    Method {
        kind,
        mount_path: Some(mount_path.to_owned()),
        min_backoff: owned(notes, "auth-min-backoff"),
        max_backoff: owned(notes, "auth-max-backoff"),
        namespace: owned(notes, "namespace"),
        config,
        exit_on_err: notes.flag("agent-auto-auth-exit-on-err", false),
    }
}

/// The agent's own token file, and the one for the application.
fn sinks(files: &Files) -> Vec<Sink> {
    /// Only the agent reads its own token.
    const PRIVATE: u32 = 0o600;
    /// Vault Agent's mode of token files, which nobody outside the group may read.
    const SHARED: u32 = 0o640;
    let sink = |path: String, mode: u32| Sink {
        kind: "file".to_owned(),
        config: [("path".to_owned(), path.into()), ("mode".to_owned(), mode.into())].into(),
    };
    let mut sinks = vec![sink(format!("{HOME_PATH}/.vault-token"), PRIVATE)];
    sinks.extend(files.token.clone().map(|path| sink(path, files.default_mode & SHARED)));
    sinks
}

fn server(notes: &Annotations<'_>, defaults: &Defaults, findings: &mut Findings) -> Server {
    let address = notes.given("service").map_or(defaults.address.as_str(), |given| given.value);
    if address.is_empty() {
        findings.refuse("no address of the server is known: set the annotation blinkchamber.io/service");
    }
    Server {
        address: address.to_owned(),
        ca_cert: owned(notes, "ca-cert"),
        ca_path: owned(notes, "ca-key"),
        tls_skip_verify: notes.flag("tls-skip-verify", false),
        client_cert: owned(notes, "client-cert"),
        client_key: owned(notes, "client-key"),
        tls_server_name: owned(notes, "tls-server-name"),
        namespace: None,
    }
}

fn template_config(notes: &Annotations<'_>) -> TemplateConfig {
    let most = notes.parsed("template-max-connections-per-host", |value| unsigned(value.trim_start_matches('+')));
    TemplateConfig {
        exit_on_retry_failure: notes.flag("template-config-exit-on-retry-failure", true),
        static_secret_render_interval: owned(notes, "template-static-secret-render-interval"),
        max_connections_per_host: most.and_then(|most| i64::try_from(most).ok()).filter(|most| *most != 0),
        lease_renewal_threshold: notes.parsed("template-lease-renewal-threshold", share).filter(|share| *share > 0.0),
    }
}

fn extension(
    notes: &Annotations<'_>,
    generations: Vec<String>,
    reload: BTreeMap<String, Vec<ReloadAction>>,
    once: bool,
    findings: &mut Findings,
) -> Extension {
    let revoke = notes.flag("agent-revoke-on-shutdown", false) && !once;
    Extension {
        generations,
        home: Some(HOME_PATH.to_owned()),
        reload_lease: reload_lease(notes, reload.is_empty(), findings),
        reload,
        revoke_on_exit: revoke,
        revoke_grace: revoke.then(|| format!("{}s", revoke_grace(notes))),
        drain: None,
        metrics_address: owned(notes, "agent-metrics-address"),
    }
}

/// The Lease that reload actions wait for; `idle` when there are none.
fn reload_lease(notes: &Annotations<'_>, idle: bool, findings: &mut Findings) -> Option<ReloadLease> {
    let Some(name) = notes.text("agent-reload-lease") else {
        for name in ["agent-reload-ready-url", "agent-reload-ready-timeout"] {
            if let Some(given) = notes.given(name).filter(|given| !given.value.is_empty()) {
                findings.warn(format!("annotation {} has no effect without agent-reload-lease", given.key));
            }
        }
        return None;
    };
    if idle {
        findings.warn(format!(
            "annotation agent-reload-lease: {name:?} has no effect: no agent-reload-<name> asks for an action"
        ));
    }
    Some(ReloadLease {
        name: name.to_owned(),
        credentials: API_PATH.to_owned(),
        ready_url: owned(notes, "agent-reload-ready-url"),
        ready_timeout: owned(notes, "agent-reload-ready-timeout"),
    })
}

/// A grace longer than the pod's ends in a kill before anything is revoked.
fn check_grace(pod: &Pod<'_>, notes: &Annotations<'_>, findings: &mut Findings) {
    let given = pod.spec("terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(TERMINATION_GRACE);
    let grace = revoke_grace(notes);
    if notes.flag("agent-revoke-on-shutdown", false) && grace >= given {
        findings.warn(format!(
            "agent-revoke-grace: {grace} seconds do not fit into the pod's terminationGracePeriodSeconds of {given}: \
             the agent would be killed before it gives its token back"
        ));
    }
}

fn revoke_grace(notes: &Annotations<'_>) -> u64 {
    notes.parsed("agent-revoke-grace", unsigned).unwrap_or(REVOKE_GRACE)
}

fn list(notes: &Annotations<'_>, name: &str) -> Vec<String> {
    notes.text(name).into_iter().flat_map(names).map(str::to_owned).collect()
}

fn owned(notes: &Annotations<'_>, name: &str) -> Option<String> {
    notes.text(name).map(str::to_owned)
}
