//! OpenBao's guarded first start, and everything that makes it what the chart says.
//!
//! `guard` runs before the server in each of its pods and decides, once, whether this pod may begin a new cluster.
//! `certificate` keeps that server's certificate fresh. `run` brings a running cluster to the state one file describes,
//! again and again; `converge` does it once, `diff` and `status` only look. `rotate` replaces a credential while it is
//! in use, `snapshot` saves and restores everything. None prints a secret.

pub mod access;
pub mod certificate;
pub mod converge;
pub mod deposit;
pub mod desired;
mod end;
pub mod events;
pub mod guard;
pub mod kubernetes;
pub mod lease;
pub mod marker;
pub mod random;
pub mod rotate;
pub mod run;
pub mod server;
pub mod snapshot;
pub mod status;
pub mod tls;
pub mod topology;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Every way in which either command ends badly, sorted by exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The job ran and could not do what it should (exit 1).
    #[error("{0}")]
    Failed(String),
    /// What it was told makes no sense (exit 2).
    #[error("{0}")]
    Configuration(String),
    /// A server, the network or the file system did not play along (exit 3).
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    /// The exit code of this failure.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Configuration(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}

/// OpenBao's guarded first start, and the job that makes it what the chart says.
#[derive(Parser)]
#[command(name = "blinkchamber-bootstrap", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the server's configuration, and let exactly one pod begin a cluster, once.
    Guard(guard::Options),
    /// Keep the server's certificate fresh, beside it, and publish its authority.
    Certificate(certificate::Options),
    /// Bring a running server to the state that a file describes.
    Converge(converge::Options),
    /// Tell what is not as the file describes; 1 when there is anything.
    Diff(converge::Options),
    /// Bring the server to that state again and again, while this pod holds the Lease.
    Run(run::Options),
    /// Tell who leads, what drifted, what rotated when, and what expires next.
    Status(status::Options),
    /// Replace a credential while it is in use.
    Rotate(rotate::Options),
    /// Save all of the server in a file, or bring it back.
    Snapshot(snapshot::Options),
    /// Put what a program made itself into the server, once.
    Deposit(deposit::Options),
    /// Beside a Sentinel: keep who is master of which Redis group in a ConfigMap.
    Topology(topology::Options),
}

/// Reads the command line, runs, and gives the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) => {
            // Also the way of --help and --version; a closed pipe is nobody's problem.
            error.print().ok();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = io::stdout();
    let result = match command {
        Command::Guard(options) => guard::run(&options, &mut out),
        Command::Certificate(options) => end::at_signal().and_then(|()| certificate::run(&options, &mut out)),
        Command::Converge(options) => converge::run(&options, &mut out),
        Command::Diff(options) => converge::diff(&options, &mut out),
        Command::Run(options) => run::run(&options, &mut out),
        Command::Status(options) => status::run(&options, &mut out),
        Command::Rotate(options) => rotate::run(&options, &mut out),
        Command::Snapshot(options) => snapshot::run(&options, &mut out),
        Command::Deposit(options) => deposit::run(&options, &mut out),
        Command::Topology(options) => end::at_signal().and_then(|()| topology::run(&options, &mut out)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            writeln!(io::stderr(), "error: {failure}").ok();
            ExitCode::from(failure.code())
        }
    }
}
