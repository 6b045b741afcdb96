//! One line an event, to standard error.

use std::error::Error;
use std::io;
use std::panic;

use tracing::error;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(test)]
mod tests;

/// An error with its causes, the first cause last. Some errors of libraries name their cause themselves; what has been
/// said is not said again.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

/// Starts logging. The second call in a process does nothing.
pub(crate) fn begin(json: bool, filter: Targets) {
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(false).with_writer(io::stderr)).try_init()
    };
    if started.is_ok() {
        // The message of a panic may quote what was being worked on, so only the place is told.
        panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            error!(place, "panic");
        }));
    }
}
