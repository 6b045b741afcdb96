//! `blinkchamber-policies explain`

use clap::Args;
use serde_json::{Value, json};

use super::request::RequestArguments;
use super::token::{Holder, places};
use super::{Exit, Format, Stopped, Streams};
use crate::evaluate::{Acl, Candidate, Decision, Loss, Request};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    request: RequestArguments,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let request = arguments.request.request()?;
    let token = arguments.holder.read(&arguments.request.policy, streams)?;
    let acl = token.acl()?;
    let decision = acl.decide(&request);
    let candidates = acl.candidates(&request.full_path(), request.operation());
    let text = match arguments.format {
        Format::Text => text(&acl, &request, &decision, &candidates),
        Format::Json => format!("{:#}\n", json(&acl, &decision, &candidates)),
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(token.exit())
}

fn text(acl: &Acl, request: &Request, decision: &Decision<'_>, candidates: &[Candidate<'_>]) -> String {
    let verdict = if decision.allowed { "allowed" } else { "refused" };
    let operation = request.operation().capability().word();
    let mut out = format!("{verdict}: {operation} {}\n  {}\n", request.full_path(), decision.reason);
    for (index, candidate) in candidates.iter().enumerate() {
        let rule = candidate.rule;
        let role = if index == 0 { "wins " } else { "loses" };
        out.push_str(&format!("  {role} {} [{}]", rule.pattern, rule.capabilities.answer().join(", ")));
        if let Some(winner) = candidates.first().filter(|_| index > 0) {
            out.push_str(&format!(": {}", Loss::between(winner, candidate)));
        }
        out.push('\n');
        for (origin, place) in rule.origins.iter().zip(places(acl, rule)) {
            let own = origin.capabilities.answer().join(", ");
            let merged = if rule.origins.len() > 1 { format!(" gives [{own}]") } else { String::new() };
            out.push_str(&format!("        {place}{merged}\n"));
        }
    }
    out
}

fn json(acl: &Acl, decision: &Decision<'_>, candidates: &[Candidate<'_>]) -> Value {
    let rule = |candidate: &Candidate<'_>| {
        let why = candidates.first().filter(|winner| !std::ptr::eq(winner.rule, candidate.rule));
        json!({
            "path": candidate.rule.pattern.to_string(),
            "capabilities": candidate.rule.capabilities.answer(),
            "places": places(acl, candidate.rule),
            "loses_because": why.map(|winner| Loss::between(winner, candidate).to_string()),
        })
    };
    json!({
        "allowed": decision.allowed,
        "reason": decision.reason.to_string(),
        "rules": candidates.iter().map(rule).collect::<Vec<_>>(),
    })
}
