//! Who the agent runs as, and what that means for its files.

use serde_json::Value;

use crate::annotations::values::id;
use crate::annotations::{Annotations, Findings, Given, strip};
use crate::plan::Defaults;
use crate::plan::pod::{Pod, name};

/// User and group of the agent; `None` where the platform chooses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Identity {
    pub(super) user: Option<i64>,
    pub(super) group: Option<i64>,
    /// Whether the container gets a security context at all.
    pub(super) context: bool,
}

/// Decides who the agent runs as.
pub(super) fn identity(
    pod: &Pod<'_>,
    notes: &Annotations<'_>,
    defaults: &Defaults,
    readers: &[String],
    signals: bool,
    findings: &mut Findings,
) -> Identity {
    let asked = notes.parsed("agent-run-as-user", id);
    let context = wants_context(notes);
    let model = if notes.flag("agent-run-as-same-user", false) && asked.is_none() {
        same_user(pod, findings)
    } else if signals && asked.is_none() {
        signalled(pod, readers, context, findings)
    } else {
        None
    };
    if !context {
        return Identity { user: pod.context("runAsUser"), group: pod.context("runAsGroup"), context };
    }
    let user = asked
        .or_else(|| pod.effective(model?, "runAsUser"))
        .or_else(|| pod.context("runAsUser").filter(|user| *user != 0))
        .unwrap_or(defaults.run_as_user);
    let group = notes
        .parsed("agent-run-as-group", id)
        .or_else(|| pod.effective(model?, "runAsGroup"))
        .or_else(|| pod.context("runAsGroup"))
        .unwrap_or(defaults.run_as_group);
    if user == 0 {
        findings.warn("the agent runs as root, which the restricted pod security standard forbids");
    }
    Identity { user: Some(user), group: Some(group), context }
}

impl Identity {
    /// Mode of files that name none: as tight as every reader allows.
    pub(super) fn default_mode(&self, pod: &Pod<'_>, readers: &[String]) -> u32 {
        let mut readers = containers(pod, readers).peekable();
        let same = self.user.is_some()
            && readers.peek().is_some()
            && readers.all(|container| pod.effective(container, "runAsUser") == self.user);
        if same {
            0o400
        } else if pod.context("fsGroup").is_some() {
            0o440
        } else {
            0o644
        }
    }

    /// Only root can give a file to somebody else.
    pub(super) fn check_owner(&self, given: Given<'_>, findings: &mut Findings) {
        let Some(user) = self.user.filter(|user| *user != 0) else { return };
        if id(given.value).is_some_and(|owner| owner != user) {
            findings.refuse(format!(
                "{} is not accepted: the agent runs as user {user} and cannot give a file to another; \
                 expected {user}, or set agent-run-as-user",
                given.shown()
            ));
        }
    }

    /// A file's group can be changed to the groups the agent is in.
    pub(super) fn check_group(&self, pod: &Pod<'_>, given: Given<'_>, findings: &mut Findings) {
        let (Some(group), Some(wanted)) = (self.group, id(given.value)) else { return };
        let mut groups = vec![group];
        groups.extend(pod.context("fsGroup"));
        let supplemental = pod.spec("securityContext").and_then(|context| context.get("supplementalGroups"));
        groups.extend(supplemental.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64));
        if self.user != Some(0) && !groups.contains(&wanted) {
            let known: Vec<String> = groups.iter().map(ToString::to_string).collect();
            findings.refuse(format!(
                "{} is not accepted: the agent is not in that group; expected one of {}, or set the pod's fsGroup",
                given.shown(),
                known.join(", ")
            ));
        }
    }
}

/// A default of the injector that turns the context off yields to a pod that names a user itself.
fn wants_context(notes: &Annotations<'_>) -> bool {
    let by_pod = |given: &Given<'_>| strip(given.key).is_some();
    if notes.given("agent-set-security-context").as_ref().is_some_and(by_pod) {
        return notes.flag("agent-set-security-context", true);
    }
    let names_user = ["agent-run-as-user", "agent-run-as-group", "agent-run-as-same-user"]
        .iter()
        .any(|name| notes.given(name).as_ref().is_some_and(by_pod));
    names_user || notes.flag("agent-set-security-context", true)
}

/// The first container, whose user the agent is to take.
fn same_user<'a>(pod: &Pod<'a>, findings: &mut Findings) -> Option<&'a Value> {
    let first = pod.containers().next()?;
    let user = pod.effective(first, "runAsUser");
    if user.is_some_and(|user| user != 0) {
        return Some(first);
    }
    let state = if user.is_some() { "runs as root" } else { "names no user" };
    findings.refuse(format!(
        "annotation agent-run-as-same-user is not accepted: container {} {state}; expected a runAsUser other than 0 in \
         its security context or the pod's",
        name(first).unwrap_or_default()
    ));
    None
}

/// A process can be signalled by its own user only: the chosen containers must agree on one.
fn signalled<'a>(pod: &Pod<'a>, readers: &[String], context: bool, findings: &mut Findings) -> Option<&'a Value> {
    let chosen: Vec<&'a Value> = pod.containers().filter(|container| is_named(container, readers)).collect();
    let first = *chosen.first()?;
    let user = pod.effective(first, "runAsUser");
    let agreed = chosen.iter().all(|container| pod.effective(container, "runAsUser") == user);
    match user {
        Some(user) if agreed && user != 0 => Some(first),
        // Where the platform chooses, it chooses one user for the whole pod.
        None if agreed && !context => Some(first),
        _ => {
            let users: Vec<String> = chosen
                .iter()
                .map(|container| {
                    let user = pod.effective(container, "runAsUser");
                    let user = user.map_or_else(|| "no user named".to_owned(), |user| format!("user {user}"));
                    format!("{}: {user}", name(container).unwrap_or_default())
                })
                .collect();
            findings.refuse(format!(
                "a signal action of agent-reload needs the agent to run as the user of the process, but the chosen \
                 containers do not agree on one that is not root ({}): set runAsUser for the pod, narrow \
                 agent-inject-containers, or set agent-run-as-user",
                users.join(", ")
            ));
            None
        }
    }
}

fn containers<'a>(pod: &Pod<'a>, names: &[String]) -> impl Iterator<Item = &'a Value> {
    pod.every_container().filter(|container| is_named(container, names))
}

fn is_named(container: &Value, names: &[String]) -> bool {
    name(container).is_some_and(|name| names.iter().any(|wanted| wanted == name))
}
