//! `blinkchamber-policies lint`

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Stopped, Streams, read_all, text};
use crate::lint::{self, LintOptions};
use crate::rules::Severity;

#[derive(Args)]
pub(super) struct Arguments {
    /// Policies: files, directories of .hcl files, or - for standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    files: Vec<String>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The least severity that makes the exit code 1
    #[arg(long, value_enum, default_value = "error")]
    fail_on: FailOn,
    /// Mounts known to be KV version 2
    #[arg(long, value_name = "MOUNT", value_delimiter = ',')]
    kv2: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let mut options = LintOptions::default();
    options.kv2.extend(arguments.kv2.iter().cloned());
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    options.now = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
    let files = read_all(&arguments.files, &["hcl"], streams.input)?;
    if files.is_empty() {
        return Err(Stopped::usage(format!("no .hcl file in {}", arguments.files.join(", "))));
    }
    let count = files.len();
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    let mut objects = Vec::new();
    for (name, bytes) in files {
        let text = text(&name, bytes)?;
        for finding in lint::lint(&text, &options) {
            match finding.rule.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            match arguments.format {
                Format::Human => writeln!(streams.output, "{}\n", lint::human(&name, &text, &finding))?,
                Format::Json => objects.push(lint::json(&name, &finding)),
            }
        }
    }
    match arguments.format {
        Format::Human => writeln!(streams.output, "{count} files, {errors} errors, {warnings} warnings")?,
        Format::Json => writeln!(streams.output, "{:#}", json!({ "version": 1, "findings": objects }))?,
    }
    let failed = errors > 0 || (warnings > 0 && arguments.fail_on == FailOn::Warning);
    Ok(if failed { Exit::Findings } else { Exit::Success })
}
