//! A signal to every process of a name, without hitting a stranger that got a recycled process id.

use std::os::fd::OwnedFd;

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal},
};

use super::{
    ReloadError,
    process::{Moment, Process, Table},
};

/// Signals after which the process is expected to end.
const ENDING: [Signal; 5] = [Signal::ABORT, Signal::INT, Signal::KILL, Signal::QUIT, Signal::TERM];

const SIGNALS: [(&str, Signal); 15] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("CHLD", Signal::CHILD),
    ("CONT", Signal::CONT),
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("QUIT", Signal::QUIT),
    ("STOP", Signal::STOP),
    ("TERM", Signal::TERM),
    ("TSTP", Signal::TSTP),
    ("URG", Signal::URG),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("WINCH", Signal::WINCH),
];

/// A signal and who gets it.
pub(super) struct Signalling {
    name: &'static str,
    signal: Signal,
    process: String,
}

impl Signalling {
    pub(super) fn new(signal: &str, process: &str) -> Result<Self, ReloadError> {
        let upper = signal.to_ascii_uppercase();
        let short = upper.strip_prefix("SIG").unwrap_or(&upper);
        let known = SIGNALS.into_iter().find(|(name, _)| *name == short);
        let (name, signal) = known.ok_or_else(|| ReloadError::UnknownSignal { signal: signal.to_owned() })?;
        if process.is_empty() {
            return Err(ReloadError::NoName { signal: name.to_owned() });
        }
        Ok(Self { name, signal, process: process.to_owned() })
    }

    /// Sends it to all leaders of that name that were there before the change: who started later has read the new file,
    /// and may not be ready yet for a signal, which would end it. Fails when there is no leader, or when one of them could
    /// not be told. Gives the handles of those that are expected to end.
    pub(super) fn send(&self, changed: Moment) -> Result<Vec<OwnedFd>, ReloadError> {
        let table = Table::of_system();
        let leaders = table.leaders(&self.process).map_err(|source| ReloadError::ProcessTable { source })?;
        let (mut told, mut knows) = (Vec::new(), false);
        for Process { pid, started, .. } in leaders {
            if started >= changed {
                knows = true;
                continue;
            }
            match self.send_to(&table, pid) {
                Ok(sent) => told.extend(sent),
                Err(source) => {
                    let (signal, process) = (self.name.to_owned(), self.process.clone());
                    return Err(ReloadError::Signal { signal, process, pid, source });
                }
            }
        }
        if knows || !told.is_empty() {
            return Ok(if ENDING.contains(&self.signal) { told } else { Vec::new() });
        }
        Err(ReloadError::NoProcess { process: self.process.clone(), alone: table.is_alone() })
    }

    /// `None` when the process ended meanwhile.
    fn send_to(&self, table: &Table, pid: i32) -> Result<Option<OwnedFd>, Errno> {
        let Some(handle) = Pid::from_raw(pid) else { return Ok(None) };
        let handle = match rustix::process::pidfd_open(handle, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(Errno::SRCH) => return Ok(None),
            Err(source) => return Err(source),
        };
        // The id may have been given to somebody else before the handle was made; after that it cannot.
        if !table.is_named(pid, &self.process) {
            return Ok(None);
        }
        match rustix::process::pidfd_send_signal(&handle, self.signal) {
            Ok(()) => Ok(Some(handle)),
            Err(Errno::SRCH) => Ok(None),
            Err(source) => Err(source),
        }
    }
}
