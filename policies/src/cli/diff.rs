//! `blinkchamber-policies diff`

use clap::Args;
use serde_json::{Value, json};

use super::token::{Holder, Token, places};
use super::{Exit, Format, Stopped, Streams};
use crate::evaluate::{Acl, Change, Rule, difference};
use crate::policy::{Capability, CapabilitySet};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    holder: Holder,
    /// The policies before: a file, a directory whose policies one token has, or - for standard input
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The policies after
    #[arg(value_name = "AFTER")]
    after: String,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let holder = &arguments.holder;
    let before = holder.read(std::slice::from_ref(&arguments.before), streams)?;
    let after = holder.read(std::slice::from_ref(&arguments.after), streams)?;
    // Without somebody's identity the rules are compared as they are written, templates and all.
    let compiled = |token: &Token| if holder.has_identity() { token.acl() } else { token.as_written() };
    let (old, new) = (compiled(&before)?, compiled(&after)?);
    let found = difference(&old, &new);
    match arguments.format {
        Format::Text => {
            for change in &found.changes {
                streams.output.write_all(text(&old, &new, change).as_bytes())?;
            }
        }
        Format::Json => {
            let changes: Vec<_> = found.changes.iter().map(|change| json(&old, &new, change)).collect();
            writeln!(streams.output, "{:#}", json!({ "changes": changes, "complete": found.complete }))?;
        }
    }
    if !found.complete {
        return Err(Stopped {
            exit: Exit::Findings,
            message: "the rules tell too many paths apart to look at all of them; there may be more changes".to_owned(),
        });
    }
    let same = found.changes.is_empty() && before.exit() == Exit::Success && after.exit() == Exit::Success;
    Ok(if same { Exit::Success } else { Exit::Findings })
}

fn words(set: CapabilitySet) -> Vec<&'static str> {
    set.iter().map(Capability::word).collect()
}

fn text(old: &Acl, new: &Acl, change: &Change<'_>) -> String {
    let mut what = Vec::new();
    for (verb, set) in [("gains", change.gained), ("loses", change.lost)] {
        if !set.is_empty() {
            what.push(format!("{verb} {}", words(set).join(", ")));
        }
    }
    if change.conditions {
        what.push("has other conditions".to_owned());
    }
    let shown = |acl: &Acl, rule: Option<&Rule>| match rule {
        Some(rule) => {
            let answer = rule.capabilities.answer().join(", ");
            format!("{} [{answer}] {}", rule.pattern, places(acl, rule).join(" "))
        }
        None => "no rule".to_owned(),
    };
    let (before, after) = (shown(old, change.before), shown(new, change.after));
    format!("{} {}\n  before: {before}\n  after:  {after}\n", change.witness, what.join("; "))
}

fn json(old: &Acl, new: &Acl, change: &Change<'_>) -> Value {
    let rule = |acl: &Acl, rule: Option<&Rule>| {
        rule.map(|rule| {
            let capabilities = rule.capabilities.answer();
            json!({ "path": rule.pattern.to_string(), "capabilities": capabilities, "places": places(acl, rule) })
        })
    };
    json!({
        "witness": change.witness,
        "gained": words(change.gained),
        "lost": words(change.lost),
        "conditions": change.conditions,
        "before": rule(old, change.before),
        "after": rule(new, change.after),
    })
}
