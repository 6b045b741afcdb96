//! `blinkchamber-policies rules`

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Exit, Format, Stopped, Streams};
use crate::policy::nearest;
use crate::rules::{ALL, LEFT_OUT, Rule, pages};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print the page of this rule: its code or its name
    #[arg(value_name = "RULE")]
    rule: Option<String>,
    /// How the table is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write the reference, a page for each rule, into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "rule")]
    write: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    if let Some(directory) = &arguments.write {
        let failed = |error: std::io::Error| Stopped::failure(format!("{}: {error}", directory.display()));
        fs::create_dir_all(directory).map_err(failed)?;
        for (name, text) in pages() {
            fs::write(directory.join(name), text).map_err(failed)?;
        }
        return Ok(Exit::Success);
    }
    let rules = match &arguments.rule {
        Some(word) => vec![find(word)?],
        None => ALL.to_vec(),
    };
    if arguments.format == Format::Json {
        let objects: Vec<_> = rules.iter().map(|rule| object(rule)).collect();
        writeln!(streams.output, "{:#}", json!({ "version": 1, "rules": objects }))?;
    } else if arguments.rule.is_some() {
        for rule in rules {
            let page = rule.markdown();
            // The first line is for whoever edits the file.
            let shown = page.split_once("\n\n").map_or(page.as_str(), |(_, page)| page);
            write!(streams.output, "{shown}")?;
        }
    } else {
        for rule in rules {
            let (code, severity) = (rule.code, rule.severity.word());
            writeln!(
                streams.output,
                "{code}  {severity:<7}  {:<6}  {:<32}  {}",
                rule.fixable.word(),
                rule.name,
                rule.summary
            )?;
        }
    }
    Ok(Exit::Success)
}

fn find(word: &str) -> Result<&'static Rule, Stopped> {
    if let Some(rule) = Rule::find(word) {
        return Ok(rule);
    }
    let left = LEFT_OUT.iter().find(|left| left.code.eq_ignore_ascii_case(word) || left.name == word);
    if let Some(left) = left {
        return Err(Stopped::usage(format!("{} {} is left out: {}", left.code, left.name, left.reason)));
    }
    let names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
    let near = nearest(word, &names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Err(Stopped::usage(format!("there is no rule {word:?}{near}")))
}

fn object(rule: &Rule) -> serde_json::Value {
    json!({
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "fix": rule.fixable.word(),
        "pedantic": rule.pedantic,
        "summary": rule.summary,
        "why": rule.page().why,
    })
}
