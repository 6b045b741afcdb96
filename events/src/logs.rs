//! One line an event, to standard error.

use std::error::Error;
use std::io;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// An error with its causes. Some errors of libraries name their cause themselves; what has been said is not said again.
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
    // Fails only when logging has begun already.
    let _ = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(false).with_writer(io::stderr)).try_init()
    };
}
