//! A pod's JSON, read without assuming anything about its shape.

use serde_json::Value;

use crate::annotations::INJECTED;
use crate::plan::GATE;

/// A pod as the API server shows it.
#[derive(Clone, Copy)]
pub(super) struct Pod<'a> {
    raw: &'a Value,
}

impl<'a> Pod<'a> {
    pub(super) fn new(raw: &'a Value) -> Self {
        Self { raw }
    }

    pub(super) fn annotations(&self) -> Option<&'a Value> {
        self.raw.get("metadata")?.get("annotations")
    }

    /// Whether an earlier pass of ours injected it.
    pub(super) fn is_ours(&self) -> bool {
        let mark = self.annotations().and_then(|annotations| annotations.get(INJECTED));
        mark.and_then(Value::as_str).is_some_and(|hash| !hash.is_empty())
    }

    pub(super) fn phase(&self) -> Option<&'a str> {
        self.raw.get("status")?.get("phase")?.as_str()
    }

    /// Whether the pod waits for its injection.
    pub(super) fn is_gated(&self) -> bool {
        self.list("schedulingGates").any(|gate| name(gate) == Some(GATE))
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.list("containers")
    }

    pub(super) fn init_containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.list("initContainers")
    }

    pub(super) fn volumes(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.list("volumes")
    }

    /// Containers and init containers.
    pub(super) fn every_container(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.init_containers().chain(self.containers())
    }

    pub(super) fn spec(&self, field: &str) -> Option<&'a Value> {
        self.raw.get("spec")?.get(field)
    }

    /// A number of the pod's security context.
    pub(super) fn context(&self, field: &str) -> Option<i64> {
        self.spec("securityContext")?.get(field)?.as_i64()
    }

    /// A number that a container's security context sets, or else the pod's.
    pub(super) fn effective(&self, container: &Value, field: &str) -> Option<i64> {
        let own = container.get("securityContext").and_then(|context| context.get(field)).and_then(Value::as_i64);
        own.or_else(|| self.context(field))
    }

    fn list(&self, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.spec(field).and_then(Value::as_array).into_iter().flatten()
    }
}

/// The `name` of a container, a volume, a mount or a gate.
pub(super) fn name(object: &Value) -> Option<&str> {
    object.get("name")?.as_str()
}

/// The volume mounts of a container.
pub(super) fn mounts(container: &Value) -> impl Iterator<Item = &Value> {
    container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten()
}
