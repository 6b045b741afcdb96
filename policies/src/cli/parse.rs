//! `blinkchamber-policies parse`

use blinkchamber_hcl::{Lexeme, lexeme_at, lexemes};
use clap::Args;
use serde_json::{Value, json};

use super::token::{line, now};
use super::{Exit, Format, Stopped, Streams, read_all, text};
use crate::policy::{self, Dialect};
use crate::rules::Finding;

#[derive(Args)]
pub(super) struct Arguments {
    /// The server that is imitated
    #[arg(long, value_enum, default_value = "openbao")]
    dialect: Dialect,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A policy, or - for standard input
    #[arg(value_name = "FILE|-")]
    file: String,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let files = read_all(std::slice::from_ref(&arguments.file), &["hcl", "json"], streams.input)?;
    let [(name, bytes)] = <[_; 1]>::try_from(files)
        .map_err(|files| Stopped::usage(format!("{}: one policy is read, not {}", arguments.file, files.len())))?;
    let text = text(&name, bytes)?;
    let pieces = lexemes(&text);
    let findings = policy::parse_for(arguments.dialect, &text, now()).err().unwrap_or_default();
    let server = findings.first().and_then(|finding| finding.server.clone());
    match arguments.format {
        Format::Json => {
            let diagnostics: Vec<_> = findings.iter().map(|finding| diagnostic(&name, &pieces, finding)).collect();
            let answer = json!({ "ok": findings.is_empty(), "server_message": server, "diagnostics": diagnostics });
            writeln!(streams.output, "{answer}")?;
        }
        Format::Text => {
            for finding in &findings {
                writeln!(streams.output, "{}", line(&name, finding))?;
            }
            if let Some(server) = server {
                writeln!(streams.output, "the server says: {}", server.trim_end())?;
            }
        }
    }
    Ok(if findings.is_empty() { Exit::Success } else { Exit::Findings })
}

fn diagnostic(name: &str, pieces: &[Lexeme], finding: &Finding) -> Value {
    let start = finding.position.offset;
    let end = lexeme_at(pieces, start).map_or(start, |piece| piece.span.end);
    json!({
        "file": name,
        "line": finding.position.line,
        "column": finding.position.column,
        "offset": finding.position.offset,
        "end_offset": end,
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.rule.severity,
        "message": finding.message,
        "help": finding.help,
        "server_message": finding.server,
    })
}
