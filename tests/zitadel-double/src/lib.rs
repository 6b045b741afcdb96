//! A double of ZITADEL for tests. ZITADEL's own server cannot be built from the package registries, so this program keeps
//! the part of its contract that the platform touches:
//!
//! * `init zitadel`, `setup`, `start`, `ready` with `--config`, `--steps`, `--masterkeyFile` (exact bytes, no trimming);
//! * nothing is read again after the start: a rotated credential needs a restart;
//! * `eventstore.events2` in a real PostgreSQL, a cache in a real, standalone Redis;
//! * `/debug/healthz`, `/debug/ready`, `/debug/metrics`, `POST /admin/v1/events/_search`, a few reads and writes;
//! * targets of Actions v2 and their signed calls.
//!
//! `/debug/faults`, which ZITADEL has not, makes it fail on demand. [`Double`] runs it within a test.
//!
//! It keeps no user, checks no password and signs no token: it proves nothing about ZITADEL itself.

mod api;
mod cache;
mod cli;
mod config;
mod double;
mod error;
mod masterkey;
mod serve;
mod setup;
mod store;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

pub use crate::double::Double;

use crate::cli::{Cli, Command, Init};
use crate::config::Config;
use crate::error::Error;

/// Runs the program: 0 when all is well, 2 for wrong usage or configuration, 3 when a server, the network or a file fails.
#[must_use]
pub fn run() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Error::Io { what: "start".into(), source: error }),
    };
    match runtime.block_on(execute(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn execute(command: Command) -> Result<(), Error> {
    match command {
        Command::Init { command: Init::Zitadel { files } } => setup::init(&Config::load(&files.config, &[])?).await,
        Command::Setup { files, steps, masterkey } => {
            setup::setup(&Config::load(&files.config, &steps.steps)?, &masterkey.read()?).await
        }
        Command::Start { files, masterkey, tls } => {
            let ended = serve::told_to_end()?;
            serve::serve(Config::load(&files.config, &[])?, &masterkey.read()?, tls.mode(), ended).await
        }
        Command::Ready { files } => serve::ready(&Config::load(&files.config, &[])?).await,
    }
}

/// Prints an error.
fn failed(error: &Error) -> ExitCode {
    say(&format!("zitadel-double: {}", chain(error)));
    ExitCode::from(error.exit_code())
}

/// One line with the error and its causes.
fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        line = format!("{line}: {next}");
        cause = next.source();
    }
    line
}

/// One line of log. Nobody is left to tell when standard error is closed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
