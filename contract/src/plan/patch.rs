//! The user's own changes to the agent's container.

use json_patch::{Patch, PatchOperation};
use serde_json::{Value, json};

use crate::annotations::values::patch;
use crate::annotations::{Annotations, Findings, Given};
use crate::plan::CONTAINER;
use crate::plan::objects::Json;
use crate::plan::pod::name;
use crate::plan::settings::Run;

const LIFECYCLE: &str = "lifecycle";
/// Operations of one patch; a container has no use for more.
const MOST_OPERATIONS: usize = 64;
/// Each copy may double what there is.
const MOST_COPIES: usize = 4;
/// Members between a container and what an operation names.
const DEEPEST: usize = 16;

/// Applies the patch that belongs to this kind of container.
pub(super) fn apply(notes: &Annotations<'_>, run: Run, container: &mut Json, findings: &mut Findings) {
    let sidecar = notes.given("agent-json-patch").filter(is_patch);
    let init = notes.given("agent-init-json-patch").filter(is_patch);
    let used = match run {
        Run::Once => {
            if let Some(given) = sidecar.filter(|_| init.is_none()) {
                findings.warn(format!(
                    "annotation {} has no effect with agent-pre-populate-only: agent-init-json-patch has",
                    given.key
                ));
            }
            init
        }
        Run::Gating | Run::Beside => {
            if let Some(given) = init.filter(|init| sidecar.map(|given| given.value) != Some(init.value)) {
                findings.refuse(format!(
                    "{} is not accepted: native mode has no second container; put its operations into agent-json-patch",
                    given.shown()
                ));
            }
            sidecar
        }
    };
    if let Some(given) = used {
        let mut tree = container.value();
        change(given, &mut tree, findings);
        *container = Json::write(&tree, container.as_bytes().len() + given.value.len());
    }
}

fn change(given: Given<'_>, container: &mut Value, findings: &mut Findings) {
    let Some(patch) = patch(given.value) else { return };
    if let Some(reason) = excess(&patch) {
        return findings.refuse(format!("{} is not accepted: {reason}", given.shown()));
    }
    // vault-k8s's container has this empty member, and patches add `/lifecycle/preStop` to it.
    if let Some(fields) = container.as_object_mut() {
        fields.insert(LIFECYCLE.to_owned(), json!({}));
    }
    if let Err(error) = json_patch::patch(container, &patch) {
        findings.refuse(format!("{} cannot be applied to the agent's container: {error}", given.shown()));
    } else if name(container) != Some(CONTAINER) {
        findings.refuse(format!("{} is not accepted: the container's name must stay {CONTAINER}", given.shown()));
    }
    if let Some(fields) = container.as_object_mut()
        && fields.get(LIFECYCLE) == Some(&json!({}))
    {
        fields.remove(LIFECYCLE);
    }
}

/// Why a patch is too much: a few copies of the whole would fill the memory of the webhook.
fn excess(patch: &Patch) -> Option<String> {
    if patch.len() > MOST_OPERATIONS {
        return Some(format!("it has {} operations, {MOST_OPERATIONS} are allowed", patch.len()));
    }
    let copies = patch.iter().filter(|operation| matches!(operation, PatchOperation::Copy(_))).count();
    if copies > MOST_COPIES {
        return Some(format!("it copies {copies} times, {MOST_COPIES} are allowed: write the values out with add"));
    }
    patch.iter().find_map(|operation| match operation {
        PatchOperation::Copy(copy) if copy.from.is_root() => Some("it copies the whole container".to_owned()),
        other if other.path().tokens().count() > DEEPEST => {
            Some(format!("the path {} is deeper than {DEEPEST} members", other.path()))
        }
        _ => None,
    })
}

/// Texts without an operation change nothing.
fn is_patch(given: &Given<'_>) -> bool {
    patch(given.value).is_some_and(|patch| !patch.is_empty())
}
