//! `agent-reload-<name>`: what to do after a file changed.

use crate::config::ReloadAction;

const SIGNALS: [&str; 9] = ["ALRM", "CONT", "HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH"];
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

/// The actions of an annotation value.
///
/// Several actions stand on lines of their own, or in one line with commas between them: commas separate only where
/// there is no line end, so that an argument with a comma can be written.
///
/// # Errors
/// The action that is not understood, and what would be.
pub fn reload_actions(value: &str) -> Result<Vec<ReloadAction>, String> {
    let separator = if value.contains('\n') { '\n' } else { ',' };
    let actions: Vec<ReloadAction> =
        value.split(separator).map(str::trim).filter(|part| !part.is_empty()).map(action).collect::<Result<_, _>>()?;
    if actions.is_empty() { Err("names no action".to_owned()) } else { Ok(actions) }
}

fn action(text: &str) -> Result<ReloadAction, String> {
    match text.split_once(':') {
        Some(("signal", rest)) => signal(rest),
        Some(("command", rest)) => command(rest),
        Some(("http", rest)) => http(rest),
        _ => Err(format!("`{text}` begins with none of signal:, command:, http:")),
    }
}

fn signal(rest: &str) -> Result<ReloadAction, String> {
    let (signal, process) = rest.split_once(':').ok_or("a signal needs a process: signal:HUP:<process>")?;
    let short = signal.strip_prefix("SIG").unwrap_or(signal);
    if !SIGNALS.contains(&short) {
        return Err(format!("`{signal}` is none of the signals {}", SIGNALS.join(", ")));
    }
    if process.is_empty() || process.contains(['/', ' ']) {
        return Err(format!("`{process}` is not the base name of a program, such as postgres"));
    }
    Ok(ReloadAction::Signal { signal: format!("SIG{short}"), process: process.to_owned() })
}

fn command(rest: &str) -> Result<ReloadAction, String> {
    let argv: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    if argv.first().is_some_and(|program| program.starts_with('/')) {
        Ok(ReloadAction::Command { argv })
    } else {
        Err(format!("`{rest}` does not begin with the absolute path of a program"))
    }
}

fn http(rest: &str) -> Result<ReloadAction, String> {
    let (method, url) = rest.split_once(':').unwrap_or((rest, ""));
    if !METHODS.contains(&method) {
        return Err(format!("`{method}` is none of the methods {}", METHODS.join(", ")));
    }
    let host = url.strip_prefix("http://").unwrap_or_default();
    if host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace) {
        return Err(format!("`{url}` is not an http:// URL"));
    }
    Ok(ReloadAction::Http { method: method.to_owned(), url: url.to_owned() })
}
