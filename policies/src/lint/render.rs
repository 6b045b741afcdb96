//! Findings for people and for programs.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::rules::{Edit, Finding, Related, Severity};

/// A finding with the lines it is about.
pub(crate) fn human(file: &str, text: &str, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Style => Level::INFO.with_name("style"),
    };
    let annotation = AnnotationKind::Primary.span(span(text, finding.position.offset)).label(finding.rule.name);
    let snippet = Snippet::source(text).path(file).annotation(annotation);
    let title = level.primary_title(finding.message.as_str()).id(finding.rule.code);
    let mut group = Group::with_title(title).element(snippet);
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    for related in &finding.related {
        let place = format!("{}:{}:{}", related.file, related.position.line, related.position.column);
        group = group.element(Level::NOTE.message(format!("{}: {place}", related.message)));
    }
    if let Some(server) = &finding.server {
        let server = format!("the server answers: {}", server.trim_end().replace(['\n', '\t'], " "));
        group = group.element(Level::NOTE.message(server));
    }
    Renderer::plain().render(&[group])
}

/// A finding as an object whose keys do not change.
pub(crate) fn json(file: &str, finding: &Finding) -> Value {
    json!({
        "file": file,
        "line": finding.position.line,
        "column": finding.position.column,
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity,
        "message": finding.message,
        "help": finding.help,
        "server_message": finding.server,
        "subject": finding.subject,
        "related": finding.related.iter().map(related).collect::<Vec<_>>(),
        "fix": finding.fix.as_ref().map(|fix| json!({
            "safe": fix.safe,
            "title": fix.title,
            "edits": fix.edits.iter().map(edit).collect::<Vec<_>>(),
        })),
    })
}

fn related(related: &Related) -> Value {
    json!({
        "file": related.file,
        "line": related.position.line,
        "column": related.position.column,
        "message": related.message,
    })
}

fn edit(edit: &Edit) -> Value {
    json!({ "start": edit.range.start, "end": edit.range.end, "text": edit.text })
}

/// The string or word that begins at an offset; one character where there is neither.
pub(super) fn span(text: &str, offset: usize) -> std::ops::Range<usize> {
    let rest = text.get(offset..).unwrap_or_default();
    let start = text.len() - rest.len();
    let length = match rest.strip_prefix('"') {
        Some(inner) => inner.find(['"', '\n']).map_or(rest.len(), |end| end + 2),
        None => {
            rest.find(|read: char| !(read.is_alphanumeric() || matches!(read, '_' | '-' | '.'))).unwrap_or(rest.len())
        }
    };
    let least = rest.chars().next().map_or(0, char::len_utf8);
    let end = start + length.clamp(least, rest.len());
    start..(start..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(start)
}
