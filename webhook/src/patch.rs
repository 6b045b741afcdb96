//! From a plan to JSON patch operations on the pod as it is.
//!
//! Every step says what must be there, not what to do: what is there already stays, so applying a patch and asking
//! again gives an empty patch, and what others put into the pod meanwhile survives. Nothing of the pod is copied.

use std::collections::BTreeMap;

use blinkchamber_contract::plan::{GATE, Plan};
use serde::Serialize;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// One operation of RFC 6902.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op<'a> {
    /// Into a list, or a member whether it is there or not.
    Add {
        /// JSON pointer.
        path: String,
        /// What.
        value: Body<'a>,
    },
    /// Away with it.
    Remove {
        /// JSON pointer.
        path: String,
    },
    /// In the place of what is there.
    Replace {
        /// JSON pointer.
        path: String,
        /// What.
        value: Body<'a>,
    },
}

/// Value of an operation, borrowed from the plan.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body<'a> {
    /// A boolean.
    Flag(bool),
    /// A list of parts of the plan.
    List(Vec<&'a Value>),
    /// A map of strings.
    Map(BTreeMap<&'a str, &'a str>),
    /// A part of the plan.
    Part(&'a Value),
    /// A string.
    Text(&'a str),
}

/// What turns the pod into one that the plan describes; empty when it already is. Paths begin with `base`, the pod's
/// place in the document (empty for a pod, `/spec/template` for a Deployment).
#[must_use]
pub fn patch<'a>(base: &str, pod: &Value, plan: &'a Plan) -> Vec<Op<'a>> {
    let mut patch = Patch { base, ops: Vec::new(), kept: carries_mark(pod, plan) };
    for parent in ["metadata", "spec"] {
        if !pod.get(parent).is_some_and(Value::is_object) {
            patch.add(format!("/{parent}"), Body::Map(BTreeMap::new()));
        }
    }
    patch.annotations(pod, plan);
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    patch.volumes(spec, plan);
    for list in ["containers", "initContainers"] {
        patch.mounts(spec, list, plan);
    }
    patch.init_container(spec, plan);
    if let Some(wanted) = plan.share_process_namespace
        && spec.get("shareProcessNamespace").and_then(Value::as_bool) != Some(wanted)
    {
        patch.add("/spec/shareProcessNamespace".to_owned(), Body::Flag(wanted));
    }
    patch.open_gate(spec);
    patch.ops
}

/// Whether the pod carries the marks of exactly this plan. Then what it holds under our names is ours, perhaps with
/// defaults filled in by the API server or an image name rewritten by another webhook, and is left alone.
fn carries_mark(pod: &Value, plan: &Plan) -> bool {
    let annotations = pod.get("metadata").and_then(|metadata| metadata.get("annotations"));
    !plan.annotations.is_empty()
        && plan.annotations.iter().all(|(name, value)| {
            annotations.and_then(|all| all.get(name)).and_then(Value::as_str) == Some(value.as_str())
        })
}

struct Patch<'a, 'b> {
    base: &'b str,
    ops: Vec<Op<'a>>,
    /// What has our names stays as it is.
    kept: bool,
}

impl<'a> Patch<'a, '_> {
    fn annotations(&mut self, pod: &Value, plan: &'a Plan) {
        let present = pod.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let Some(present) = present.filter(|present| present.is_object()) else {
            let all = plan.annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            return self.add("/metadata/annotations".to_owned(), Body::Map(all));
        };
        for (name, value) in &plan.annotations {
            if present.get(name).and_then(Value::as_str) != Some(value) {
                let name = name.replace('~', "~0").replace('/', "~1");
                self.add(format!("/metadata/annotations/{name}"), Body::Text(value));
            }
        }
    }

    fn volumes(&mut self, spec: &Value, plan: &'a Plan) {
        self.ensure("/spec/volumes", list(spec, "volumes"), &plan.volumes, |there, wanted| {
            member(there, "name").is_some() && member(there, "name") == member(wanted, "name")
        });
    }

    fn mounts(&mut self, spec: &Value, kind: &str, plan: &'a Plan) {
        for (at, container) in list(spec, kind).unwrap_or_default().iter().enumerate() {
            let Some(name) = member(container, "name") else { continue };
            // The agent's own mounts are part of its container.
            if Some(name) == member(&plan.container, "name") || !plan.containers.iter().any(|chosen| chosen == name) {
                continue;
            }
            let path = format!("/spec/{kind}/{at}/volumeMounts");
            self.ensure(&path, list(container, "volumeMounts"), &plan.mounts, |there, wanted| {
                ["name", "mountPath"].iter().all(|key| member(there, key) == member(wanted, key))
            });
        }
    }

    /// After the mounts: putting ours first shifts the others.
    fn init_container(&mut self, spec: &Value, plan: &'a Plan) {
        const PATH: &str = "/spec/initContainers";
        let wanted = &plan.container;
        let Some(present) = list(spec, "initContainers").filter(|present| !present.is_empty()) else {
            return self.add(PATH.to_owned(), Body::List(vec![wanted]));
        };
        let name = member(wanted, "name");
        let place = present.iter().position(|there| member(there, "name") == name);
        match place {
            Some(at) if plan.init_first && at != 0 => {
                // What is moved is ours by name; written anew it is ours by content too.
                self.remove(format!("{PATH}/{at}"));
                self.add(format!("{PATH}/0"), Body::Part(wanted));
            }
            Some(at) => {
                if !self.kept && !present.get(at).is_some_and(|there| covers(there, wanted)) {
                    self.replace(format!("{PATH}/{at}"), Body::Part(wanted));
                }
            }
            None => {
                let at = if plan.init_first { "0" } else { "-" };
                self.add(format!("{PATH}/{at}"), Body::Part(wanted));
            }
        }
    }

    /// Only our gate: others wait for something else.
    fn open_gate(&mut self, spec: &Value) {
        const PATH: &str = "/spec/schedulingGates";
        let gates = list(spec, "schedulingGates").unwrap_or_default();
        let ours: Vec<usize> =
            gates.iter().enumerate().filter(|(_, gate)| member(gate, "name") == Some(GATE)).map(|(at, _)| at).collect();
        if ours.is_empty() {
            return;
        }
        if ours.len() == gates.len() {
            return self.remove(PATH.to_owned());
        }
        for at in ours.iter().rev() {
            self.remove(format!("{PATH}/{at}"));
        }
    }

    /// Every wanted part is in the list, in the place where one like it was, or at the end.
    fn ensure(
        &mut self,
        path: &str,
        present: Option<&[Value]>,
        wanted: &'a [Value],
        same: impl Fn(&Value, &Value) -> bool,
    ) {
        if wanted.is_empty() {
            return;
        }
        let Some(present) = present else {
            return self.add(path.to_owned(), Body::List(wanted.iter().collect()));
        };
        for part in wanted {
            match present.iter().enumerate().find(|(_, there)| same(there, part)) {
                Some((at, there)) if !self.kept && !covers(there, part) => {
                    self.replace(format!("{path}/{at}"), Body::Part(part));
                }
                Some(_) => {}
                None => self.add(format!("{path}/-"), Body::Part(part)),
            }
        }
    }

    fn add(&mut self, path: String, value: Body<'a>) {
        self.ops.push(Op::Add { path: self.at(path), value });
    }

    fn remove(&mut self, path: String) {
        self.ops.push(Op::Remove { path: self.at(path) });
    }

    fn replace(&mut self, path: String, value: Body<'a>) {
        self.ops.push(Op::Replace { path: self.at(path), value });
    }

    fn at(&self, path: String) -> String {
        if self.base.is_empty() { path } else { format!("{}{path}", self.base) }
    }
}

/// Whether `there` says all that `wanted` says; it may say more (the API server fills in defaults).
fn covers(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| there.get(key).is_some_and(|present| covers(present, value)))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len() && there.iter().zip(wanted).all(|(there, wanted)| covers(there, wanted))
        }
        _ => there == wanted,
    }
}

fn list<'v>(object: &'v Value, key: &str) -> Option<&'v [Value]> {
    object.get(key).and_then(Value::as_array).map(Vec::as_slice)
}

fn member<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.get(key).and_then(Value::as_str)
}
