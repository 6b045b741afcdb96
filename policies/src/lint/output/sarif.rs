//! SARIF 2.1.0.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Report, relative};
use crate::lint::baseline::fingerprint;
use crate::lint::{Located, text};
use crate::rules::{self, Fix, Related, Rule, Severity};

/// The log of a run. Only rules that were met are described, so that the file stays small.
pub(super) fn report(report: &Report<'_>) -> Value {
    let met: Vec<&Rule> =
        rules::ALL.iter().copied().filter(|rule| report.found.iter().any(|one| one.finding.rule == *rule)).collect();
    let index = |rule: &Rule| met.iter().position(|one| one.code == rule.code);
    let results: Vec<_> = report.found.iter().map(|one| result(report, one, index(one.finding.rule))).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "blinkchamber-policies",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": met.iter().map(|rule| describe(rule)).collect::<Vec<_>>(),
                }
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "note",
    }
}

fn describe(rule: &Rule) -> Value {
    let security =
        ["VP4", "VP7", "VK", "VD"].iter().any(|family| rule.code.starts_with(family)) || rule.code == "VP302";
    let mut properties = json!({ "tags": if security { vec!["security"] } else { vec!["correctness"] } });
    if let (true, Some(properties)) = (security, properties.as_object_mut()) {
        // What code scanning sorts by: over 7 is high, over 4 medium.
        let score = match rule.severity {
            Severity::Error => "8.0",
            Severity::Warning => "5.5",
            Severity::Info | Severity::Style => "2.0",
        };
        properties.insert("security-severity".to_owned(), json!(score));
    }
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.page().why },
        "help": { "text": rule.page().why },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": properties,
    })
}

fn result(report: &Report<'_>, one: &Located, index: Option<usize>) -> Value {
    let finding = &one.finding;
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let (start, end) = report.range(one);
    let mut result = json!({
        "ruleId": finding.rule.code,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact(&one.file),
                "region": {
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                },
            }
        }],
        "partialFingerprints": { "policies/v1": fingerprint(one) },
    });
    if let Some(object) = result.as_object_mut() {
        object.extend(index.map(|index| ("ruleIndex".to_owned(), json!(index))));
        if !finding.related.is_empty() {
            object.insert("relatedLocations".to_owned(), finding.related.iter().map(related).collect());
        }
        object.extend(finding.fix.as_ref().map(|fix| ("fixes".to_owned(), json!([change(report, &one.file, fix)]))));
    }
    result
}

fn artifact(file: &str) -> Value {
    json!({ "uri": uri(relative(file)), "uriBaseId": "%SRCROOT%" })
}

/// A path as a reference: what a URI does not take is written in hexadecimal.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn related(related: &Related) -> Value {
    json!({
        "message": { "text": related.message },
        "physicalLocation": {
            "artifactLocation": artifact(&related.file),
            "region": { "startLine": related.position.line.max(1), "startColumn": related.position.column.max(1) },
        },
    })
}

fn change(report: &Report<'_>, file: &str, fix: &Fix) -> Value {
    let source = report.files.iter().find(|(name, _)| name == file).map_or("", |(_, text)| text.as_str());
    let replacements = fix.edits.iter().map(|edit| {
        let (start, end) = (text::position(source, edit.range.start), text::position(source, edit.range.end));
        json!({
            "deletedRegion": {
                "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
            },
            "insertedContent": { "text": edit.text },
        })
    });
    let replacements: Vec<_> = replacements.collect();
    json!({
        "description": { "text": fix.title },
        "artifactChanges": [{ "artifactLocation": artifact(file), "replacements": replacements }],
    })
}
