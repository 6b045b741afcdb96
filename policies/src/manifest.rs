//! Rendered manifests: the pods that their objects will make.

use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// A pod that an object makes, and where the object stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Workload {
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Namespace of its pods.
    pub(crate) namespace: String,
    /// Service account of its pods.
    pub(crate) service_account: String,
    /// `metadata` and `spec` of its pods.
    pub(crate) pod: Value,
}

/// Where an object stands.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    /// File, or `standard input`.
    pub file: String,
    /// The chart's template, when `helm template` named it.
    pub source: Option<String>,
    /// 1-based number of the document in the file.
    pub document: usize,
    /// `Kind namespace/name`, when known.
    pub object: Option<String>,
}

/// A document that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) origin: Origin,
    /// What is wrong, with the place.
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

/// Lists nest no deeper than this; a `List` of `List`s is legal.
const MAX_LISTS: usize = 8;

/// Reads every document of a file.
pub(crate) fn read(name: &str, text: &str, namespace: &str) -> (Vec<Workload>, Vec<Unreadable>) {
    let mut found = Found { namespace, workloads: Vec::new(), unreadable: Vec::new() };
    for (index, document) in documents(text).into_iter().enumerate() {
        let source = source(document.text).map(str::to_owned);
        let origin = Origin { file: name.to_owned(), source, document: index + 1, object: None };
        match serde_saphyr::from_str_with_options::<Value>(document.text, yaml()) {
            Ok(Value::Null) => {}
            Ok(Value::Object(object)) => found.object(&object, &origin, 0),
            Ok(_) => found.refuse(&origin, "a manifest is a mapping".to_owned(), "is this a rendered manifest?"),
            Err(error) => {
                let place = error.location().map(|location| document.first_line + usize_from(location.line()));
                let text = error.without_snippet().to_string();
                let text = text.lines().next().unwrap_or_default();
                let message = place.map_or_else(|| text.to_owned(), |line| format!("line {line} of the file: {text}"));
                found.refuse(
                    &origin,
                    message,
                    "render the chart first: helm template ... | blinkchamber-policies compile -f -",
                );
            }
        }
    }
    (found.workloads, found.unreadable)
}

/// As Kubernetes reads YAML: `n` and `off` are strings.
fn yaml() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true }
}

fn usize_from(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A document of a stream.
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    /// Lines of the file before it.
    pub(crate) first_line: usize,
    /// Bytes of the file before it.
    pub(crate) start: usize,
}

/// Cuts a stream at its `---` lines: at the first column they can be nothing else.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 0, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let marker =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r', '\t']));
        if marker && offset > start {
            found.push(Document { text: text.get(start..offset).unwrap_or_default(), first_line, start });
            (start, first_line) = (offset, index);
        }
        offset += line.len();
    }
    found.push(Document { text: text.get(start..).unwrap_or_default(), first_line, start });
    found.retain(|document| document.text.lines().any(is_content));
    found
}

fn is_content(line: &str) -> bool {
    let line = line.strip_prefix("---").unwrap_or(line).trim();
    !line.is_empty() && !line.starts_with('#')
}

/// The template that `helm template` names above an object.
fn source(text: &str) -> Option<&str> {
    text.lines().take_while(|line| !is_content(line)).find_map(|line| line.strip_prefix("# Source: ")).map(str::trim)
}

struct Found<'a> {
    namespace: &'a str,
    workloads: Vec<Workload>,
    unreadable: Vec<Unreadable>,
}

impl Found<'_> {
    fn object(&mut self, object: &Map<String, Value>, origin: &Origin, depth: usize) {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = text("kind");
        if let Some(items) = object.get("items").and_then(Value::as_array).filter(|_| kind.ends_with("List")) {
            if depth == MAX_LISTS {
                self.refuse(origin, format!("lists nest deeper than {MAX_LISTS}"), "unwrap the inner lists");
                return;
            }
            for item in items.iter().filter_map(Value::as_object) {
                self.object(item, origin, depth + 1);
            }
            return;
        }
        let metadata =
            |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
        let namespace = metadata("namespace").unwrap_or(self.namespace).to_owned();
        let name = metadata("name").or_else(|| metadata("generateName")).unwrap_or("(no name)");
        let origin = Origin { object: Some(format!("{kind} {namespace}/{name}")), ..origin.clone() };
        let Some(template) = pod_template(kind, object) else { return };
        if let Some(key) = not_text(&template) {
            let message = format!("annotation {key} is no string, and the API server refuses it");
            self.refuse(&origin, message, "quote the value");
            return;
        }
        let spec = template.get("spec");
        let account = ["serviceAccountName", "serviceAccount"].iter().find_map(|key| spec?.get(key)?.as_str());
        let service_account = account.filter(|name| !name.is_empty()).unwrap_or("default").to_owned();
        self.workloads.push(Workload { origin, namespace, service_account, pod: template });
    }

    fn refuse(&mut self, origin: &Origin, message: String, help: &'static str) {
        self.unreadable.push(Unreadable { origin: origin.clone(), message, help });
    }
}

/// `metadata` and `spec` of the pods that an object makes: a pod itself, or whatever has a pod template.
fn pod_template(kind: &str, object: &Map<String, Value>) -> Option<Value> {
    let spec = object.get("spec")?;
    let holder = if kind == "Pod" {
        return Some(json!({ "metadata": object.get("metadata"), "spec": spec }));
    } else if let Some(job) = spec.get("jobTemplate") {
        job.get("spec")?.get("template")?
    } else {
        spec.get("template")?
    };
    let containers = holder.get("spec")?.get("containers")?.as_array()?;
    (!containers.is_empty()).then(|| json!({ "metadata": holder.get("metadata"), "spec": holder.get("spec") }))
}

/// The first annotation whose value is no string.
fn not_text(pod: &Value) -> Option<&str> {
    let annotations = pod.get("metadata")?.get("annotations")?.as_object()?;
    annotations.iter().find(|(_, value)| !value.is_string()).map(|(key, _)| key.as_str())
}

impl Origin {
    /// The place for a comment that stays the same wherever the file lies and whatever stands around the object.
    pub(crate) fn comment(&self) -> String {
        let name = std::path::Path::new(&self.file).file_name().and_then(|name| name.to_str()).unwrap_or(&self.file);
        let file = self.source.as_deref().unwrap_or(name);
        self.object.as_ref().map_or_else(|| file.to_owned(), |object| format!("{file}: {object}"))
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.file)?;
        self.source.iter().try_for_each(|source| write!(out, " ({source})"))?;
        write!(out, ", document {}", self.document)?;
        self.object.iter().try_for_each(|object| write!(out, ", {object}"))
    }
}
