//! Pods of manifests: what the webhook would make of them, and where their annotations stand.

use std::collections::{BTreeMap, BTreeSet};

use blinkchamber_contract::plan::{Decision, Defaults, Plan, Request, plan};
use blinkchamber_hcl::Position;
use serde_json::Value;

use super::text::START;
use super::yaml::{self, Node};
use crate::manifest::{self, Unreadable, Workload};
use crate::rules::{Finding, Rule};

/// Prefixes of annotations; of the same suffix twice the first wins.
const PREFIXES: [&str; 3] = ["blinkchamber.io/", "vault.hashicorp.com/", "openbao.org/"];

/// A manifests' file.
pub(super) struct ManifestFile {
    pub(super) file: String,
    pub(super) pods: Vec<Pod>,
    pub(super) unreadable: Vec<(Position, Unreadable)>,
    /// Service accounts that the file makes.
    pub(super) accounts: BTreeSet<(String, String)>,
    /// Annotations of the injector on objects whose pods do not have them.
    pub(super) misplaced: Vec<(Position, String, String)>,
}

/// The pods that one object makes.
pub(super) struct Pod {
    pub(super) file: String,
    pub(super) namespace: String,
    pub(super) account: String,
    /// `Kind namespace/name`.
    pub(super) object: String,
    pod: Value,
    places: BTreeMap<String, Position>,
    head: Position,
    /// What the webhook makes of it; nothing when it leaves the pod alone.
    pub(super) plan: Option<Box<Plan>>,
    /// Why the webhook refuses it.
    pub(super) refusals: Vec<String>,
}

impl ManifestFile {
    pub(super) fn parse(file: &str, text: &str) -> Self {
        const NAMESPACE: &str = "default";
        let nodes: Vec<_> = manifest::documents(text);
        let nodes: Vec<_> = nodes.iter().map(|one| yaml::parse(one.text, one.first_line, one.start)).collect();
        let (workloads, unreadable) = manifest::read(file, text, NAMESPACE);
        let object = |document: usize, wanted: &Option<String>| {
            let node = nodes.get(document.checked_sub(1)?)?.as_ref()?;
            node.objects().into_iter().find(|object| Some(name(object, NAMESPACE)) == *wanted)
        };
        let pods = workloads.into_iter().map(|workload| {
            let object = object(workload.origin.document, &workload.origin.object);
            Pod::of(file, workload, object)
        });
        let pods = pods.collect();
        let unreadable = unreadable.into_iter().map(|one| {
            let place = object(one.origin.document, &one.origin.object).map(|object| object.position);
            let documents = manifest::documents(text);
            let start = documents.get(one.origin.document.saturating_sub(1));
            let start = start.map(|document| super::text::position(text, document.start));
            (place.or(start).unwrap_or(START), one)
        });
        let unreadable = unreadable.collect();
        let objects: Vec<_> = nodes.iter().flatten().flat_map(Node::objects).collect();
        let accounts = objects.iter().filter(|object| kind(object) == "ServiceAccount").map(|object| {
            let text = |key| object.path(&["metadata", key]).and_then(Node::text);
            (text("namespace").unwrap_or(NAMESPACE).to_owned(), text("name").unwrap_or_default().to_owned())
        });
        let accounts = accounts.collect();
        let misplaced = objects.iter().flat_map(|object| misplaced(object, NAMESPACE)).collect();
        Self { file: file.to_owned(), pods, unreadable, accounts, misplaced }
    }
}

fn kind(object: &Node) -> &str {
    object.get("kind").and_then(Node::text).unwrap_or_default()
}

/// `Kind namespace/name`, as the reader of manifests writes it.
fn name(object: &Node, namespace: &str) -> String {
    let text = |key| object.path(&["metadata", key]).and_then(Node::text);
    let name = text("name").or_else(|| text("generateName")).unwrap_or("(no name)");
    format!("{} {}/{name}", kind(object), text("namespace").unwrap_or(namespace))
}

/// The annotations of an object's pods.
fn pod_annotations(object: &Node) -> Option<&Node> {
    if kind(object) == "Pod" {
        return object.path(&["metadata", "annotations"]);
    }
    let template =
        object.path(&["spec", "jobTemplate", "spec", "template"]).or_else(|| object.path(&["spec", "template"]));
    template?.path(&["metadata", "annotations"])
}

/// The suffix of one of the injector's annotations.
fn suffix(key: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix))
}

/// Annotations that stand on an object with a pod template instead of in the template.
fn misplaced(object: &Node, namespace: &str) -> Vec<(Position, String, String)> {
    let has_template = object.path(&["spec", "template", "spec", "containers"]).is_some()
        || object.path(&["spec", "jobTemplate", "spec", "template", "spec", "containers"]).is_some();
    let Some(annotations) = object.path(&["metadata", "annotations"]).filter(|_| has_template) else {
        return Vec::new();
    };
    let in_template = |key: &str| pod_annotations(object).is_some_and(|pods| pods.get(key).is_some());
    let wrong = annotations.entries().filter_map(|(key, _)| {
        let text = key.text()?;
        let ours = suffix(text).is_some_and(|suffix| suffix == "role" || suffix.starts_with("agent-"));
        (ours && !in_template(text)).then(|| (key.position, text.to_owned(), name(object, namespace)))
    });
    wrong.collect()
}

impl Pod {
    fn of(file: &str, workload: Workload, object: Option<&Node>) -> Self {
        let defaults = Defaults::new("agent", "https://vault.blinkchamber.svc:8200");
        let request = Request { namespace: &workload.namespace, pod: &workload.pod };
        let (plan, refusals) = match plan(request, &defaults).map(|outcome| outcome.decision) {
            Ok(Decision::Inject(plan)) => (Some(plan), Vec::new()),
            Ok(Decision::Skip) => (None, Vec::new()),
            Err(refusal) => (None, refusal.problems),
        };
        let annotations = object.and_then(pod_annotations);
        let places = annotations.into_iter().flat_map(Node::entries);
        let places = places.filter_map(|(key, _)| Some((key.text()?.to_owned(), key.position))).collect();
        Self {
            file: file.to_owned(),
            namespace: workload.namespace,
            account: workload.service_account,
            object: workload.origin.object.unwrap_or_default(),
            pod: workload.pod,
            places,
            head: object.map_or(START, |object| object.position),
            plan,
            refusals,
        }
    }

    /// The value of an annotation, given without its prefix.
    pub(super) fn annotation(&self, suffix: &str) -> Option<&str> {
        let annotations = self.pod.get("metadata")?.get("annotations")?;
        PREFIXES.iter().find_map(|prefix| annotations.get(format!("{prefix}{suffix}"))?.as_str())
    }

    /// The role that the pod logs in with.
    pub(super) fn role(&self) -> Option<String> {
        let method = &self.plan.as_ref()?.config.auto_auth.as_ref()?.method;
        let role = method.config.get("role").and_then(Value::as_str).filter(|_| method.kind == "kubernetes")?;
        Some(role.to_lowercase())
    }

    /// Volumes of the pod itself.
    pub(super) fn volumes(&self) -> impl Iterator<Item = &Value> {
        let volumes = self.pod.get("spec").and_then(|spec| spec.get("volumes")).and_then(Value::as_array);
        volumes.into_iter().flatten()
    }

    /// A finding at an annotation, or at the object where there is none.
    pub(super) fn at(&self, rule: &'static Rule, suffix: &str, message: impl Into<String>) -> Finding {
        let place = PREFIXES.iter().find_map(|prefix| self.places.get(&format!("{prefix}{suffix}")));
        Finding::new(rule, place.copied().unwrap_or(self.head), message).about(format!("{} {suffix}", self.object))
    }
}
