//! Findings in the forms that people, editors and CI systems read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use blinkchamber_hcl::Position;
use serde_json::{Value, json};

use super::{Located, render, statistics, text};
use crate::rules::Severity;

mod ci;
mod sarif;
#[cfg(test)]
mod tests;
mod xml;

/// How findings are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    /// With the lines that they are about
    #[value(alias = "human")]
    Text,
    /// One line each
    Concise,
    /// One object
    Json,
    /// One object a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub's workflow commands
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit's XML
    Junit,
    /// Checkstyle's XML
    Checkstyle,
    /// Reviewdog's JSON
    Rdjson,
}

/// What a run found, and in what.
pub(crate) struct Report<'a> {
    pub(crate) files: &'a [(String, String)],
    pub(crate) found: &'a [Located],
}

impl Report<'_> {
    /// Writes the findings.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text => self.text(out),
            Format::Concise => self.concise(out),
            Format::Json => {
                let findings: Vec<_> = self.found.iter().map(object).collect();
                writeln!(out, "{:#}", json!({ "version": 1, "findings": findings }))
            }
            Format::Jsonl => self.found.iter().try_for_each(|one| writeln!(out, "{}", object(one))),
            Format::Sarif => writeln!(out, "{:#}", sarif::report(self)),
            Format::Github => ci::github(self, out),
            Format::Gitlab => writeln!(out, "{:#}", ci::gitlab(self)),
            Format::Junit => xml::junit(self, out),
            Format::Checkstyle => xml::checkstyle(self, out),
            Format::Rdjson => writeln!(out, "{:#}", ci::rdjson(self)),
        }
    }

    /// How often each rule was met.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn statistics(&self, out: &mut dyn Write) -> io::Result<()> {
        for (rule, count) in statistics(self.found) {
            writeln!(out, "{count:>6}  {} {}", rule.code, rule.name)?;
        }
        self.summary(out)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let texts: BTreeMap<&str, &str> =
            self.files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        for one in self.found {
            let text = texts.get(one.file.as_str()).copied().unwrap_or_default();
            writeln!(out, "{}\n", render::human(&one.file, text, &one.finding))?;
        }
        self.summary(out)
    }

    fn concise(&self, out: &mut dyn Write) -> io::Result<()> {
        for Located { file, finding } in self.found {
            let Position { line, column, .. } = finding.position;
            let (code, severity) = (finding.rule.code, finding.severity.word());
            writeln!(out, "{file}:{line}:{column}: {severity} {code} {}", one_line(&finding.message))?;
        }
        self.summary(out)
    }

    fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}", counted(self.files.len(), "file"))?;
        for severity in Severity::ALL {
            let count = self.found.iter().filter(|one| one.finding.severity == severity).count();
            match severity {
                Severity::Error | Severity::Warning => write!(out, ", {}", counted(count, severity.word()))?,
                _ if count > 0 => write!(out, ", {count} {}", severity.word())?,
                _ => {}
            }
        }
        writeln!(out)
    }

    /// The first and the end of what a finding marks.
    fn range(&self, one: &Located) -> (Position, Position) {
        let text = self.files.iter().find(|(file, _)| *file == one.file).map_or("", |(_, text)| text.as_str());
        let end = text::position(text, render::span(text, one.finding.position.offset).end);
        (one.finding.position, end)
    }
}

fn object(one: &Located) -> Value {
    render::json(&one.file, &one.finding)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A message on one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file's path with slashes that a URI takes, without `./` at the start.
fn relative(file: &str) -> &str {
    file.strip_prefix("./").unwrap_or(file)
}
