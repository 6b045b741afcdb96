//! `inject`: what would become of manifests, without a cluster.

use std::fmt::Write as _;
use std::io::Write;

use blinkchamber_contract::plan::{Decision, Defaults, Request, plan};
use serde_json::{Value, json};

use crate::patch::{patch, write};

#[cfg(test)]
mod tests;

/// What to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Output {
    /// The manifests, as YAML.
    Manifests,
    /// One JSON object a changed manifest, `{kind, namespace, name, patch}`, one a line.
    Patches,
}

/// Why the manifests could not be worked on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{file}, document {document}: {reason}")]
    Document { file: String, document: usize, reason: String },
    #[error("cannot apply our own patch to {object}: {reason}")]
    Apply { object: String, reason: String },
    #[error("cannot write the output: {0}")]
    Write(#[from] std::io::Error),
}

/// What was found out about the manifests.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Report {
    pub(crate) injected: usize,
    /// One line each: which object, why.
    pub(crate) refusals: Vec<String>,
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// Injects every workload of `text` and writes the result. What is refused is written as it came.
pub(crate) fn inject(
    file: &str,
    text: &str,
    namespace: &str,
    defaults: &Defaults,
    output: Output,
    out: &mut impl Write,
) -> Result<Report, Error> {
    let mut run = Run { namespace, defaults, report: Report::default(), patches: Vec::new() };
    let mut manifests = read(file, text)?;
    for manifest in &mut manifests {
        run.object(manifest)?;
    }
    match output {
        Output::Patches => {
            for patch in &run.patches {
                writeln!(out, "{patch}")?;
            }
        }
        Output::Manifests => {
            for (at, manifest) in manifests.iter().enumerate() {
                let yaml = serde_saphyr::to_string(manifest).map_err(|error| Error::Apply {
                    object: describe(manifest, namespace),
                    reason: error.to_string(),
                })?;
                let separator = if at == 0 { "" } else { "---\n" };
                writeln!(out, "{separator}{}", yaml.trim_end())?;
            }
        }
    }
    Ok(run.report)
}

/// All documents; empty ones are left out. JSON is read as such first: it may hold characters that YAML forbids.
fn read(file: &str, text: &str) -> Result<Vec<Value>, Error> {
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
        return Ok(vec![value]);
    }
    let mut all = Vec::new();
    for (at, chunk) in documents(text).into_iter().enumerate() {
        let value: Option<Value> = serde_saphyr::from_str(&chunk).map_err(|error| Error::Document {
            file: file.to_owned(),
            document: at + 1,
            reason: error.to_string(),
        })?;
        match value {
            None | Some(Value::Null) => {}
            Some(value) if value.is_object() => all.push(value),
            Some(_) => {
                let reason = "this is not a manifest: expected a mapping with apiVersion and kind".to_owned();
                return Err(Error::Document { file: file.to_owned(), document: at + 1, reason });
            }
        }
    }
    Ok(all)
}

/// The text of each document. Blank lines stand for what came before, so that line numbers are the file's.
fn documents(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for (at, line) in text.lines().enumerate() {
        let separator = line == "---" || line.starts_with("--- ");
        if separator {
            all.push("\n".repeat(at));
        }
        if let Some(last) = all.last_mut() {
            let content = if separator { line.strip_prefix("---").unwrap_or_default() } else { line };
            let _ = writeln!(last, "{content}");
        }
    }
    all
}

struct Run<'a> {
    namespace: &'a str,
    defaults: &'a Defaults,
    report: Report,
    patches: Vec<Value>,
}

impl Run<'_> {
    fn object(&mut self, object: &mut Value) -> Result<(), Error> {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        if kind == "List" || kind.ends_with("List") && object.get("items").is_some() {
            for item in object.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
                self.object(item)?;
            }
            return Ok(());
        }
        let base = match kind {
            "Pod" => "",
            "CronJob" => "/spec/jobTemplate/spec/template",
            "PodTemplate" => "/template",
            "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
                "/spec/template"
            }
            _ => return Ok(()),
        };
        let Some(pod) = object.pointer(base).filter(|pod| pod.is_object()) else { return Ok(()) };
        let name = describe(object, self.namespace);
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or(self.namespace);
        let outcome = match plan(Request { namespace, pod }, self.defaults) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                self.report.refusals.push(format!("{name}: {refusal}"));
                return Ok(());
            }
        };
        self.report.warnings.extend(outcome.warnings.iter().map(|warning| format!("{name}: {warning}")));
        let Decision::Inject(plan) = outcome.decision else { return Ok(()) };
        let failed = |reason: String| Error::Apply { object: name.clone(), reason };
        let ops = write(&patch(base, pod, &plan)).map_err(|error| failed(error.to_string()))?;
        let ops: Value = serde_json::from_slice(&ops).map_err(|error| failed(error.to_string()))?;
        let entry = json!({"object": name, "patch": ops});
        let parsed: json_patch::Patch = serde_json::from_value(ops).map_err(|error| failed(error.to_string()))?;
        json_patch::patch(object, &parsed).map_err(|error| failed(error.to_string()))?;
        self.patches.push(entry);
        self.report.injected += 1;
        Ok(())
    }
}

/// `Deployment shop/web`.
fn describe(object: &Value, namespace: &str) -> String {
    let text = |pointer: &str, default| object.pointer(pointer).and_then(Value::as_str).unwrap_or(default);
    let name = text("/metadata/name", text("/metadata/generateName", "(unnamed)"));
    format!("{} {}/{name}", text("/kind", "(no kind)"), text("/metadata/namespace", namespace))
}
