//! From a plan to JSON patch operations on the pod as it is.
//!
//! Every step says what must be there, not what to do: what is there already stays, so applying a patch and asking
//! again gives an empty patch, and what others put into the pod meanwhile survives. Nothing of the pod is copied.

use blinkchamber_contract::plan::{CONTAINER, GATE, Json, Mount, Plan, Volume};
use serde::Serialize;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// One operation of RFC 6902.
#[derive(Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Body<'a> {
    /// The annotations of a pod that has none.
    Annotations(&'a [(String, String)]),
    /// The agent's container.
    Container(&'a Json),
    /// The agent's container as the only one of a list.
    Containers(&'a Json),
    /// An object without members.
    Empty,
    /// A boolean.
    Flag(bool),
    /// One mount.
    Mount(&'a Mount),
    /// All mounts.
    Mounts(&'a [Mount]),
    /// A string.
    Text(&'a str),
    /// One volume.
    Volume(&'a Volume),
    /// All volumes.
    Volumes(&'a [Volume]),
}

/// The operations as the API server reads them. Not by a derived serializer, because the container, the largest part
/// by far, is text already.
///
/// # Errors
/// None that the values of a plan can cause.
pub fn write(ops: &[Op<'_>]) -> Result<Vec<u8>, serde_json::Error> {
    /// For everything but the container.
    const ROOM: usize = 2048;
    let mut out = Vec::with_capacity(ROOM + ops.iter().map(Op::text_length).sum::<usize>());
    out.push(b'[');
    for (at, op) in ops.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let (name, path, value) = match op {
            Op::Add { path, value } => ("add", path, Some(value)),
            Op::Remove { path } => ("remove", path, None),
            Op::Replace { path, value } => ("replace", path, Some(value)),
        };
        out.extend_from_slice(b"{\"op\":\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",\"path\":");
        serde_json::to_writer(&mut out, path)?;
        if let Some(value) = value {
            out.extend_from_slice(b",\"value\":");
            value.write(&mut out)?;
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(out)
}

/// What turns the pod into one that the plan describes; empty when it already is. Paths begin with `base`, the pod's
/// place in the document (empty for a pod, `/spec/template` for a Deployment).
#[must_use]
pub fn patch<'a>(base: &str, pod: &Value, plan: &'a Plan) -> Vec<Op<'a>> {
    let mut patch = Patch { base, ops: Vec::new(), kept: carries_mark(pod, plan) };
    for parent in ["metadata", "spec"] {
        if !pod.get(parent).is_some_and(Value::is_object) {
            patch.add(format!("/{parent}"), Body::Empty);
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
            return self.add("/metadata/annotations".to_owned(), Body::Annotations(&plan.annotations));
        };
        for (name, value) in &plan.annotations {
            if present.get(name).and_then(Value::as_str) != Some(value) {
                let name = name.replace('~', "~0").replace('/', "~1");
                self.add(format!("/metadata/annotations/{name}"), Body::Text(value));
            }
        }
    }

    fn volumes(&mut self, spec: &Value, plan: &'a Plan) {
        let same = |there: &Value, wanted: &Volume| member(there, "name") == Some(&*wanted.name);
        let (all, one) = (Body::Volumes(&plan.volumes), Body::Volume);
        self.ensure("/spec/volumes", list(spec, "volumes"), &plan.volumes, all, one, same);
    }

    fn mounts(&mut self, spec: &Value, kind: &str, plan: &'a Plan) {
        let same = |there: &Value, wanted: &Mount| {
            member(there, "name") == Some(&*wanted.name) && member(there, "mountPath") == Some(&*wanted.mount_path)
        };
        for (at, container) in list(spec, kind).unwrap_or_default().iter().enumerate() {
            let Some(name) = member(container, "name") else { continue };
            // The agent's own mounts are part of its container.
            if name == CONTAINER || !plan.containers.iter().any(|chosen| chosen == name) {
                continue;
            }
            let path = format!("/spec/{kind}/{at}/volumeMounts");
            let (all, one) = (Body::Mounts(&plan.mounts), Body::Mount);
            self.ensure(&path, list(container, "volumeMounts"), &plan.mounts, all, one, same);
        }
    }

    /// After the mounts: putting ours first shifts the others.
    fn init_container(&mut self, spec: &Value, plan: &'a Plan) {
        const PATH: &str = "/spec/initContainers";
        let wanted = Body::Container(&plan.container);
        let Some(present) = list(spec, "initContainers").filter(|present| !present.is_empty()) else {
            return self.add(PATH.to_owned(), Body::Containers(&plan.container));
        };
        let place = present.iter().position(|there| member(there, "name") == Some(CONTAINER));
        match place {
            Some(at) if plan.init_first && at != 0 => {
                // What is moved is ours by name; written anew it is ours by content too.
                self.remove(format!("{PATH}/{at}"));
                self.add(format!("{PATH}/0"), wanted);
            }
            Some(at) => {
                if !self.kept && !present.get(at).is_some_and(|there| covers(there, &plan.container.value())) {
                    self.replace(format!("{PATH}/{at}"), wanted);
                }
            }
            None => {
                let at = if plan.init_first { "0" } else { "-" };
                self.add(format!("{PATH}/{at}"), wanted);
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
    fn ensure<T: Serialize>(
        &mut self,
        path: &str,
        present: Option<&[Value]>,
        wanted: &'a [T],
        all: Body<'a>,
        one: impl Fn(&'a T) -> Body<'a>,
        same: impl Fn(&Value, &T) -> bool,
    ) {
        if wanted.is_empty() {
            return;
        }
        let Some(present) = present else { return self.add(path.to_owned(), all) };
        for part in wanted {
            match present.iter().enumerate().find(|(_, there)| same(there, part)) {
                Some((at, there)) if !self.kept && !covers(there, &tree(part)) => {
                    self.replace(format!("{path}/{at}"), one(part));
                }
                Some(_) => {}
                None => self.add(format!("{path}/-"), one(part)),
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

impl Op<'_> {
    /// Bytes of what is text already.
    fn text_length(&self) -> usize {
        match self {
            Self::Add { value: Body::Container(text) | Body::Containers(text), .. }
            | Self::Replace { value: Body::Container(text), .. } => text.as_bytes().len(),
            _ => 0,
        }
    }
}

impl Body<'_> {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match self {
            Self::Annotations(all) => {
                // A map of strings; the names are a plan's, so none stands twice.
                let all: serde_json::Map<String, Value> =
                    all.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
                serde_json::to_writer(out, &all)
            }
            Self::Container(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Containers(text) => {
                out.push(b'[');
                out.extend_from_slice(text.as_bytes());
                out.push(b']');
                Ok(())
            }
            Self::Empty => {
                out.extend_from_slice(b"{}");
                Ok(())
            }
            Self::Flag(flag) => serde_json::to_writer(out, flag),
            Self::Mount(mount) => serde_json::to_writer(out, mount),
            Self::Mounts(mounts) => serde_json::to_writer(out, mounts),
            Self::Text(text) => serde_json::to_writer(out, text),
            Self::Volume(volume) => serde_json::to_writer(out, volume),
            Self::Volumes(volumes) => serde_json::to_writer(out, volumes),
        }
    }
}

/// For comparing with what a pod has; a part of a plan can always be written.
fn tree(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
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
