//! The bridge: ZITADEL's events into prioritised Redis lists, at least once, in order per aggregate, none lost.
//!
//! * `source` reads events, `track` knows which are new and in which order they go on;
//! * `classify`, `payload` and `message` make of an event what its list holds;
//! * `sink` pushes and stores the state in one script, behind a fence; `bridge` ties it together for each Redis group;
//! * `leader` decides which replica works, `serve` runs all of it, `command` is everything for people.

mod backoff;
mod bridge;
mod classify;
mod cli;
mod command;
mod config;
mod event;
mod files;
mod http;
mod leader;
mod letter;
mod link;
mod logs;
mod message;
mod metrics;
mod payload;
mod pending;
mod serve;
mod sink;
mod source;
mod track;
mod webhook;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::command::Failure;

/// Findings, or a job that failed.
const FOUND: u8 = 1;
/// Usage or configuration.
const USAGE: u8 = 2;
/// Server, network or file.
const FAILED: u8 = 3;

/// Runs the program: 0 when all is well, 1 for findings and failed jobs, 2 for wrong usage or configuration, 3 when a
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
    // One thread: the work is waiting for servers, and a second one would cost memory.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("cannot start: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve::serve(serve).await,
            Command::Check(file) => command::check(&file.file),
            Command::Classify(classify) => command::classify(&classify),
            Command::Peek(peek) => command::peek::peek(&peek).await,
            Command::Replay(replay) => command::replay::replay(&replay).await,
            Command::Consume(consume) => command::consume::consume(&consume).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(match failure {
                Failure::Findings(_) => FOUND,
                Failure::Configuration(_) => USAGE,
                Failure::Server(_) => FAILED,
            })
        }
    }
}

/// A line for the person at the terminal.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "blinkchamber-events: {line}");
}
