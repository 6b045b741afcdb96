//! Whether a pod is planned at all.

use crate::annotations::Annotations;
use crate::annotations::values::{Kind, boolean};
use crate::plan::pod::Pod;
use crate::plan::{Defaults, GATE, Refusal};

/// What happens to a pod.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Nothing.
    LeaveAlone,
    /// It gets a plan.
    Plan,
}

/// The order is vault-k8s's: the switch, the phase, the status, the namespace.
pub(super) fn decide(
    namespace: &str,
    pod: &Pod<'_>,
    notes: &Annotations<'_>,
    defaults: &Defaults,
) -> Result<Verdict, Refusal> {
    let wanted = match notes.given("agent-inject") {
        None => false,
        Some(given) => boolean(given.value)
            .ok_or_else(|| refusal(format!("{} is not accepted: expected {}", given.shown(), Kind::Bool.expected())))?,
    };
    let gated = pod.is_gated();
    if !wanted && gated {
        return Err(refusal(format!(
            "the scheduling gate {GATE} waits for an injection, but the pod does not ask for one: \
             set the annotation blinkchamber.io/agent-inject: \"true\" or take the gate out"
        )));
    }
    if !wanted || pod.phase().is_some_and(|phase| !matches!(phase, "" | "Pending")) {
        return Ok(Verdict::LeaveAlone);
    }
    // A gated pod would wait for ever if a status that somebody else wrote were believed.
    let injected = notes.text("agent-inject-status") == Some("injected");
    if injected && !pod.is_ours() && !gated {
        return Ok(Verdict::LeaveAlone);
    }
    if namespace.is_empty() {
        return Err(refusal("the admission request has no namespace".to_owned()));
    }
    if defaults.protected_namespaces.iter().any(|protected| protected == namespace) {
        return Err(refusal(format!(
            "nothing is injected into the namespace {namespace}, which the injector protects: \
             take the annotation agent-inject out"
        )));
    }
    Ok(Verdict::Plan)
}

fn refusal(problem: String) -> Refusal {
    Refusal { problems: vec![problem] }
}
