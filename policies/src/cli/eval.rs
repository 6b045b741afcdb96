//! `blinkchamber-policies eval`

use clap::Args;
use serde_json::{Map, Value};

use super::token::Holder;
use super::{Exit, Stopped, Streams};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    holder: Holder,
    /// Policies of the token: files, directories of .hcl and .json files, or - for standard input
    #[arg(long, value_name = "FILE|DIR|-", required = true, num_args = 1..)]
    policy: Vec<String>,
    /// Namespace that the requests go to
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,
    /// Paths that are asked about
    #[arg(value_name = "PATH", required = true, last = true)]
    paths: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let token = arguments.holder.read(&arguments.policy, streams)?;
    let acl = token.acl()?;
    let namespace = arguments.namespace.trim_matches('/');
    let mut answers = Map::new();
    for path in &arguments.paths {
        let full =
            if namespace.is_empty() { path.clone() } else { format!("{namespace}/{}", path.trim_start_matches('/')) };
        answers.insert(path.clone(), acl.capabilities(&full).into_iter().map(Value::from).collect());
    }
    writeln!(streams.output, "{}", Value::Object(answers))?;
    Ok(token.exit())
}
