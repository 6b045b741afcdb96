//! One line an event to standard error, as text or JSON. A closed standard error never stops the agent.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Text or JSON.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Format {
    /// For programs.
    Json,
    /// For people.
    #[default]
    Text,
}

impl Format {
    /// `standard`, `text` or `json`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "standard" | "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads a level or a list of directives such as `info,hyper=warn`. A level alone is the agent's own: what its HTTP
/// libraries tell below a warning helps only who works on them.
pub(crate) fn filter(text: &str) -> Option<Targets> {
    let text = text.trim().to_ascii_lowercase();
    let text = if text == "err" { "error" } else { text.as_str() };
    let level = if text.is_empty() { Ok(LevelFilter::INFO) } else { text.parse::<LevelFilter>() };
    match level {
        Ok(level) => {
            let libraries = ["h2", "hyper", "hyper_util", "rustls"].map(|name| (name, level.min(LevelFilter::WARN)));
            Some(Targets::new().with_targets(libraries).with_default(level))
        }
        Err(_several) => text.parse().ok(),
    }
}

/// Begins logging. A second call changes nothing.
pub(crate) fn begin(format: Format, filter: Targets) {
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_ansi(false).with_target(false).log_internal_errors(false).with_writer(Lossy);
    let begun = match format {
        Format::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        Format::Text => registry.with(layer).try_init(),
    };
    // It is on already: this process has begun it before.
    drop(begun);
}

/// Standard error, whose errors nobody can be told about.
#[derive(Clone, Copy)]
struct Lossy;

impl Write for Lossy {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(buffer).ok();
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lossy {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests;
