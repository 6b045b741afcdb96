//! One action, checked and ready to run.

use std::os::fd::OwnedFd;

use blinkchamber_contract::config::ReloadAction;

use super::{
    Pace, ReloadError,
    command::Program,
    http::{self, Request},
    process::Moment,
    signal::Signalling,
};

/// An action and what it is called in logs and status.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) label: String,
    action: ReloadAction,
}

/// An action that was understood.
pub(super) enum Prepared {
    Signal(Signalling),
    Command(Program),
    Http(Request),
}

impl Step {
    pub(super) fn new(action: &ReloadAction) -> Self {
        Self { label: label(action), action: action.clone() }
    }

    /// Does it for a change of this moment; gives the processes that are expected to end now.
    pub(super) async fn run(&self, pace: Pace, changed: Moment) -> Result<Vec<OwnedFd>, ReloadError> {
        match prepare(&self.action)? {
            Prepared::Signal(signalling) => return signalling.send(changed),
            Prepared::Command(program) => program.run(pace.command_limit).await?,
            Prepared::Http(request) => request.send(pace.http_limit).await?,
        }
        Ok(Vec::new())
    }
}

pub(super) fn prepare(action: &ReloadAction) -> Result<Prepared, ReloadError> {
    match action {
        ReloadAction::Signal { signal, process } => Signalling::new(signal, process).map(Prepared::Signal),
        ReloadAction::Command { argv } => Program::new(argv).map(Prepared::Command),
        ReloadAction::Http { method, url } => Request::new(method, url).map(Prepared::Http),
        // The model may learn more ways than this agent knows.
        _ => Err(ReloadError::NoCommand),
    }
}

/// Arguments and query strings may hold what is nobody's business.
fn label(action: &ReloadAction) -> String {
    match action {
        ReloadAction::Signal { signal, process } => format!("signal {signal} {process}"),
        ReloadAction::Command { argv } => format!("command {}", argv.first().map_or("", String::as_str)),
        ReloadAction::Http { method, url } => format!("http {method} {}", http::without_query(url)),
        _ => "unknown".to_owned(),
    }
}
