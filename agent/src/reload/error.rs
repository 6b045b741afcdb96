//! Why a process could not be told.

use std::{io, time::Duration};

use rustix::io::Errno;

/// Why a reload action failed. Holds neither arguments nor answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReloadError {
    /// No such signal.
    #[error("signal {signal:?} is not known; use a name such as HUP, USR1, USR2, INT, QUIT, TERM or WINCH")]
    UnknownSignal {
        /// As given.
        signal: String,
    },
    /// No name to look for.
    #[error("signal {signal}: no process is named; give the base name of the executable or script")]
    NoName {
        /// As given.
        signal: String,
    },
    /// Nothing to run.
    #[error("command: the list of program and arguments is empty")]
    NoCommand,
    /// Not a URL that can be asked.
    #[error("http {url}: {reason}")]
    BadRequest {
        /// URL without its query.
        url: String,
        /// What is wrong, and what is accepted.
        reason: &'static str,
    },
    /// The process table cannot be read.
    #[error("cannot list processes in /proc: {source}")]
    ProcessTable {
        /// What the system said.
        source: io::Error,
    },
    /// Nobody has this name.
    #[error("no process named {process:?} is running{}", if *alone { ALONE } else { "" })]
    NoProcess {
        /// Name looked for.
        process: String,
        /// The agent sees nobody but itself.
        alone: bool,
    },
    /// The process is there but may not be told.
    #[error("cannot send {signal} to {process:?} (pid {pid}): {source}{}", advice(*source))]
    Signal {
        /// Name of the signal.
        signal: String,
        /// Name looked for.
        process: String,
        /// Process id in the agent's namespace.
        pid: i32,
        /// What the system said.
        source: Errno,
    },
    /// The program cannot be started.
    #[error("cannot start {program:?}: {source}")]
    Start {
        /// First word of the command.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program does not end.
    #[error("{program:?} was killed after {} s", limit.as_secs_f32())]
    Killed {
        /// First word of the command.
        program: String,
        /// How long it may run.
        limit: Duration,
    },
    /// The program failed.
    #[error("{program:?} ended with {outcome}")]
    Failed {
        /// First word of the command.
        program: String,
        /// Exit code or signal.
        outcome: String,
    },
    /// The application cannot be asked.
    #[error("{request}: {reason}")]
    Request {
        /// Method and URL without its query.
        request: String,
        /// What happened.
        reason: String,
    },
    /// The application is told, and is not back.
    #[error("told, but not back within {} s: {reason}", limit.as_secs_f32())]
    NotBack {
        /// How long it was waited for.
        limit: Duration,
        /// What was seen last.
        reason: String,
    },
    /// The application says no.
    #[error("{request}: the answer is {status}, not 2xx")]
    Refused {
        /// Method and URL without its query.
        request: String,
        /// HTTP status.
        status: u16,
    },
}

impl ReloadError {
    /// Whether nobody was there, which an application that is just starting mends by itself.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::NoProcess { .. })
    }

    /// Whether trying again is of no use.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::UnknownSignal { .. } | Self::NoName { .. } | Self::NoCommand | Self::BadRequest { .. })
    }
}

const ALONE: &str = "; the agent sees no other container's processes: set shareProcessNamespace: true on the pod";

fn advice(source: Errno) -> &'static str {
    match source {
        Errno::PERM => "; run the agent as the application's user (runAsUser), or give it CAP_KILL",
        _ => "",
    }
}
