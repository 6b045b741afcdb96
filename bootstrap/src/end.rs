//! The end of a program that runs until it is told to stop, which as the first process of a container it would not hear.

use std::process::exit;
use std::{io, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// TERM and INT, which the process hears of from now on.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Belongs inside of a tokio runtime.
    ///
    /// # Errors
    /// When the system gives no handler.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of either.
    pub(crate) async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// From now on TERM and INT end the program at once: it leaves nothing half-written, for it only renames whole files.
///
/// # Errors
/// [`Failure::Failed`] when the system gives no thread or no handler.
pub(crate) fn at_signal() -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let mut signals = runtime.block_on(async { Signals::new() }).map_err(failed)?;
    let wait = move || {
        runtime.block_on(signals.any());
        exit(0);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop).map_err(failed)
}
