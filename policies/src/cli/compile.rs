//! `blinkchamber-policies compile`

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Stopped, Streams, read_all, text};
use crate::compile::{CompileOptions, compile};
use crate::{output, policy};

#[derive(Args)]
pub(super) struct Arguments {
    /// Rendered manifests: a file, a directory of .yaml, .yml and .json files, or - for standard input
    #[arg(short, long = "file", value_name = "FILE|DIR|-", default_value = "-")]
    files: Vec<String>,
    /// Directory to write policies/ and roles/ to; without it one text goes to standard output, which apply reads with -
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Mounts of KV version 2
    #[arg(long, value_name = "MOUNT", default_value = "secret", value_delimiter = ',')]
    kv2: Vec<String>,
    /// Mounts of KV version 1
    #[arg(long, value_name = "MOUNT", value_delimiter = ',')]
    kv1: Vec<String>,
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Audience that service account tokens must carry: the chart's agent.tokenAudience; empty for any
    #[arg(long, default_value = "vault")]
    audience: String,
    /// Life of a token
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = seconds)]
    token_ttl: u64,
    /// Longest life of a token, renewals included
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = seconds)]
    token_max_ttl: u64,
    /// Mount of the auth method where a pod names none
    #[arg(long, value_name = "PATH", default_value = "auth/kubernetes")]
    auth_path: String,
    /// Do not grant the metadata of KV v2 secrets; agents then read each secret at every look
    #[arg(long)]
    no_metadata: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    if arguments.token_ttl > arguments.token_max_ttl {
        return Err(Stopped::usage("--token-ttl is longer than --token-max-ttl"));
    }
    let mut options = CompileOptions {
        kv2: arguments.kv2.iter().cloned().collect(),
        kv1: arguments.kv1.iter().cloned().collect(),
        namespace: arguments.namespace.clone(),
        audience: arguments.audience.clone(),
        token_ttl: arguments.token_ttl,
        token_max_ttl: arguments.token_max_ttl,
        metadata: !arguments.no_metadata,
        ..CompileOptions::default()
    };
    options.defaults.auth_path.clone_from(&arguments.auth_path);
    let files = read_all(&arguments.files, &["json", "yaml", "yml"], streams.input)?;
    let files = files.into_iter().map(|(name, bytes)| Ok((name.clone(), text(&name, bytes)?)));
    let compiled = match compile(&files.collect::<Result<Vec<_>, Stopped>>()?, &options) {
        Ok(compiled) => compiled,
        Err(errors) => {
            for error in &errors.0 {
                writeln!(streams.errors, "error: {error}\n  help: {}", error.help)?;
            }
            return Ok(Exit::Findings);
        }
    };
    for note in &compiled.notes {
        writeln!(streams.errors, "note: {note}")?;
    }
    match &arguments.out {
        Some(directory) => {
            output::write_directory(directory, &compiled).map_err(|error| Stopped::failure(error.to_string()))?;
            let (policies, roles) = (compiled.policies.len(), compiled.roles.len());
            writeln!(streams.errors, "{}: {policies} policies, {roles} roles", directory.display())?;
        }
        None => {
            let text = output::to_stream(&compiled).map_err(|error| Stopped::failure(error.to_string()))?;
            streams.output.write_all(text.as_bytes())?;
        }
    }
    Ok(Exit::Success)
}

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = policy::seconds(text)?;
    u64::try_from(seconds).map_err(|_| "a duration here is not negative".to_owned())
}
