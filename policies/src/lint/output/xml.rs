//! The XML of test runners and of Checkstyle.

use std::io::{self, Write};

use super::Report;
use crate::lint::Located;
use crate::rules::Severity;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// A suite for each file; a file without findings is a test that passed.
pub(super) fn junit(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let failures = report.found.len();
    let tests: usize = report.files.iter().map(|(file, _)| of(report, file).count().max(1)).sum();
    writeln!(out, "{HEAD}\n<testsuites name=\"blinkchamber-policies\" tests=\"{tests}\" failures=\"{failures}\">")?;
    for (file, _) in report.files {
        let found: Vec<_> = of(report, file).collect();
        let (name, failures) = (escape(file), found.len());
        writeln!(out, "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\">", failures.max(1))?;
        if found.is_empty() {
            writeln!(out, "    <testcase classname=\"{name}\" name=\"lint\"/>")?;
        }
        for Located { finding, .. } in found {
            let (rule, place) = (finding.rule, finding.position);
            let title = format!("{} {} {}:{}", rule.code, rule.name, place.line, place.column);
            writeln!(out, "    <testcase classname=\"{name}\" name=\"{title}\">")?;
            let (severity, message) = (finding.severity.word(), escape(&finding.message));
            let text = escape(&format!("{file}:{}:{}: {}", place.line, place.column, finding.message));
            writeln!(
                out,
                "      <failure type=\"{severity}\" message=\"{message}\">{text}</failure>\n    </testcase>"
            )?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// Errors by file.
pub(super) fn checkstyle(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{HEAD}\n<checkstyle version=\"4.3\">")?;
    for (file, _) in report.files {
        if of(report, file).next().is_none() {
            continue;
        }
        writeln!(out, "  <file name=\"{}\">", escape(file))?;
        for Located { finding, .. } in of(report, file) {
            let severity = if finding.severity == Severity::Style { "info" } else { finding.severity.word() };
            let (line, column) = (finding.position.line, finding.position.column);
            let (message, source) = (escape(&finding.message), format!("policies.{}", finding.rule.code));
            writeln!(
                out,
                "    <error line=\"{line}\" column=\"{column}\" severity=\"{severity}\" message=\"{message}\" source=\"{source}\"/>"
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}

fn of<'a>(report: &'a Report<'_>, file: &'a str) -> impl Iterator<Item = &'a Located> {
    report.found.iter().filter(move |one| one.file == file)
}

/// Text in an attribute or between tags; what XML cannot hold at all is left out.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for read in text.chars() {
        match read {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}
