//! The admission server that adds the agent to pods.
//!
//! * [`run`] is the program: `serve` and the offline `inject`.
//! * [`docs`] writes its reference page.
//! * [`patch()`] turns a plan into JSON patch operations; the rest of the decision is in `blinkchamber-contract`.

mod admin;
mod authority;
mod bundle;
mod cli;
pub mod docs;
mod http;
mod inject;
mod keeper;
mod load;
mod logs;
mod metrics;
mod mutate;
mod patch;
mod reconcile;
mod review;
mod serve;
mod server;
mod settings;

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

pub use crate::patch::{Body, Op, patch, write};

use crate::cli::{Cli, Command, Inject, Serve};
use crate::inject::Output;
use crate::settings::Settings;

/// Worker threads: admission is short work, and two are enough for any cluster's rate of new pods.
const WORKERS: usize = 2;

/// Runs the program: 0 when all is well, 1 when a manifest is refused, 2 for wrong usage or configuration, 3 when the
/// server, the network or a file fails.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; where their output cannot be written nobody is told.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match cli.command {
        Command::Serve(serve) => run_serve(*serve),
        Command::Inject(inject) => run_inject(*inject),
    }
}

const REFUSED: u8 = 1;
const USAGE: u8 = 2;
const FAILED: u8 = 3;

fn run_serve(arguments: Serve) -> ExitCode {
    let settings = match Settings::read(arguments) {
        Ok(settings) => settings,
        Err(problems) => return misused(&problems),
    };
    logs::begin(settings.log_json, settings.log_filter.clone());
    // The Kubernetes client takes the process's default; everything else names its provider.
    let _ = rustls::crypto::CryptoProvider::install_default(std::sync::Arc::unwrap_or_clone(
        blinkchamber_certs::provider(),
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(serve::serve(settings)).map_err(|error| logs::chain(&error)),
        Err(error) => Err(format!("cannot start threads: {error}")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "ended");
            ExitCode::from(FAILED)
        }
    }
}

fn run_inject(arguments: Inject) -> ExitCode {
    let Inject { file, patch, namespace, injection } = arguments;
    let defaults = match settings::defaults(injection) {
        Ok(defaults) => defaults,
        Err(problems) => return misused(&problems),
    };
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(&file)
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            say(&format!("cannot read {name}: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let output = if patch { Output::Patches } else { Output::Manifests };
    match inject::inject(&name, &text, &namespace, &defaults, output, &mut io::stdout().lock()) {
        Ok(report) => {
            report.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
            report.refusals.iter().for_each(|refusal| say(&format!("refused: {refusal}")));
            ExitCode::from(if report.refusals.is_empty() { 0 } else { REFUSED })
        }
        Err(error @ inject::Error::Document { .. }) => misused(&[error.to_string()]),
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn misused(problems: &[String]) -> ExitCode {
    problems.iter().for_each(|problem| say(problem));
    ExitCode::from(USAGE)
}

/// A line for the person at the terminal.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "blinkchamber-webhook: {line}");
}
