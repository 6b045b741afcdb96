//! `blinkchamber-policies request`

use clap::Args;
use serde_json::{Value, json};

use super::token::{Holder, places};
use super::{Exit, Stopped, Streams};
use crate::evaluate::{Acl, Decision, Operation, Request, RequestError};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    request: RequestArguments,
}

/// A request of a token; `explain` takes the same.
#[derive(Args)]
pub(super) struct RequestArguments {
    /// Policies of the token: files, directories of .hcl and .json files, or - for standard input
    #[arg(long, value_name = "FILE|DIR|-", required = true, num_args = 1..)]
    pub(super) policy: Vec<String>,
    /// What the request does
    #[arg(long, value_enum)]
    op: Operation,
    /// Where, as in the URL behind /v1/, query included
    #[arg(long)]
    path: String,
    /// Parameters, a JSON object
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// The response is to be wrapped for so long
    #[arg(long, value_name = "DURATION")]
    wrap_ttl: Option<String>,
    /// Namespace that the request goes to
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let request = arguments.request.request()?;
    let token = arguments.holder.read(&arguments.request.policy, streams)?;
    let acl = token.acl()?;
    writeln!(streams.output, "{}", answer(&acl, &acl.decide(&request)))?;
    Ok(token.exit())
}

impl RequestArguments {
    pub(super) fn request(&self) -> Result<Request, Stopped> {
        let usage = |error: RequestError| Stopped::usage(error.to_string());
        let mut request = Request::new(self.op, &self.path).namespace(&self.namespace);
        if let Some(text) = &self.data {
            let data: Value =
                serde_json::from_str(text).map_err(|error| Stopped::usage(format!("--data is no JSON: {error}")))?;
            request = request.data(data).map_err(usage)?;
        }
        if let Some(text) = &self.wrap_ttl {
            request = request.wrap_ttl(text).map_err(usage)?;
        }
        Ok(request)
    }
}

fn answer(acl: &Acl, decision: &Decision<'_>) -> Value {
    let rule = decision.rule.map(|rule| {
        let capabilities = rule.capabilities.answer();
        json!({ "path": rule.pattern.to_string(), "capabilities": capabilities, "places": places(acl, rule) })
    });
    json!({ "allowed": decision.allowed, "reason": decision.reason.to_string(), "rule": rule })
}
