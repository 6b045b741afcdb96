//! The end of a program that runs until it is told to stop, which as the first process of a container it would not hear.

use std::process::exit;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// From now on TERM and INT end the program at once: it leaves nothing half-written, for it only renames whole files.
///
/// # Errors
/// [`Failure::Failed`] when the system gives no thread or no handler.
pub(crate) fn at_signal() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let (mut terminate, mut interrupt) = runtime
        .block_on(async { Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)) })
        .map_err(failed)?;
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        exit(0);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop).map_err(failed)
}
