//! What CI systems read beside SARIF.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Report, relative};
use crate::lint::baseline::fingerprint;
use crate::lint::text;
use crate::rules::Severity;

/// A workflow command for each finding. (GitHub shows ten of a kind in a step.)
pub(super) fn github(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for one in report.found {
        let kind = match one.finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info | Severity::Style => "notice",
        };
        let (start, end) = report.range(one);
        let rule = one.finding.rule;
        writeln!(
            out,
            "::{kind} file={},line={},endLine={},col={},endColumn={},title={}::{}",
            property(relative(&one.file)),
            start.line,
            end.line,
            start.column,
            end.column,
            property(&format!("{} {}", rule.code, rule.name)),
            data(&one.finding.message),
        )?;
    }
    report.summary(out)
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A list of issues.
pub(super) fn gitlab(report: &Report<'_>) -> Value {
    let issue = |one: &crate::lint::Located| {
        let severity = match one.finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "minor",
            Severity::Style => "info",
        };
        json!({
            "description": format!("{}: {}", one.finding.rule.code, one.finding.message),
            "check_name": one.finding.rule.name,
            "fingerprint": fingerprint(one),
            "severity": severity,
            "location": { "path": relative(&one.file), "lines": { "begin": one.finding.position.line } },
        })
    };
    report.found.iter().map(issue).collect()
}

/// Diagnostics with suggestions.
pub(super) fn rdjson(report: &Report<'_>) -> Value {
    let diagnostic = |one: &crate::lint::Located| {
        let severity = match one.finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info | Severity::Style => "INFO",
        };
        let (start, end) = report.range(one);
        let source = report.files.iter().find(|(file, _)| *file == one.file).map_or("", |(_, text)| text.as_str());
        let place = |offset| {
            let position = text::position(source, offset);
            json!({ "line": position.line, "column": byte_column(source, offset) })
        };
        let edits = one.finding.fix.iter().flat_map(|fix| &fix.edits);
        let suggestions = edits.map(|edit| {
            json!({ "range": { "start": place(edit.range.start), "end": place(edit.range.end) }, "text": edit.text })
        });
        json!({
            "message": one.finding.message,
            "location": {
                "path": relative(&one.file),
                "range": { "start": place(start.offset), "end": place(end.offset) },
            },
            "severity": severity,
            "code": { "value": one.finding.rule.code },
            "suggestions": suggestions.collect::<Vec<_>>(),
        })
    };
    let diagnostics: Vec<_> = report.found.iter().map(diagnostic).collect();
    json!({ "source": { "name": "blinkchamber-policies" }, "diagnostics": diagnostics })
}

/// Reviewdog counts columns in bytes.
fn byte_column(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1
}
