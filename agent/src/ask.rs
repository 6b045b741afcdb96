//! The commands that ask a running agent: `ready`, `status`, `refresh`.

use std::{
    fmt::Write,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cli::{Action, Arguments},
    control::{ControlError, Request, Response, SOCKET, call},
    env::Environment,
    run::{Failure, print},
    settings::Settings,
    status::{Status, TemplateState},
};

/// Between two questions of one who waits.
const LOOK: Duration = Duration::from_millis(20);

/// Asks, prints what was answered, and gives the exit code.
pub(crate) fn ask(arguments: &Arguments, environment: &Environment) -> Result<u8, Failure> {
    let request = match arguments.action {
        Action::Refresh => Request::Refresh,
        Action::Status => Request::Status,
        _ => Request::Ready,
    };
    let socket = socket(arguments, environment)?;
    let response = patiently(arguments.wait, || call(&socket, request)).map_err(Failure::io)?;
    let code = response.exit_code();
    match response {
        Response::Ready(readiness) if readiness.ready => print("ready\n").map(|_| code),
        Response::Ready(readiness) => {
            Err(Failure { code, message: format!("not ready: {}", readiness.reason.unwrap_or_default()) })
        }
        Response::Refreshed => print("refreshed\n").map(|_| code),
        Response::Status { status } => print(&text(status, arguments.json)?).map(|_| code),
        Response::Error { message } => Err(Failure { code, message }),
    }
}

/// Asks again and again until the agent is ready or the time is over. A kubelet asks once a second at most, and a pod would
/// start that much later than it could.
fn patiently(wait: Duration, call: impl Fn() -> Result<Response, ControlError>) -> Result<Response, ControlError> {
    let start = Instant::now();
    loop {
        let answer = call();
        let may_change = match &answer {
            Ok(Response::Ready(readiness)) => !readiness.ready,
            // It is just starting.
            Err(ControlError::NotListening { .. }) => true,
            _ => false,
        };
        if !may_change || start.elapsed() >= wait {
            return answer;
        }
        sleep(LOOK);
    }
}

fn socket(arguments: &Arguments, environment: &Environment) -> Result<PathBuf, Failure> {
    if let Some(socket) = &arguments.socket {
        return Ok(socket.clone());
    }
    let (settings, _) = Settings::load(&arguments.source(), environment)?;
    let home = settings.home.ok_or_else(|| {
        Failure::usage("the configuration names no blinkchamber.home, so the agent has no socket; give -socket=FILE")
    })?;
    Ok(home.join(SOCKET))
}

fn text(status: Value, json: bool) -> Result<String, Failure> {
    if json {
        return Ok(format!("{status:#}\n"));
    }
    let status: Status =
        serde_json::from_value(status).map_err(|_invalid| Failure::io("the agent's status is of another version"))?;
    Ok(table(&status))
}

/// The status for a person.
fn table(status: &Status) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        // Writing to a String cannot fail.
        writeln!(text, "{label:<10} {value}").ok();
    };
    line("ready", yes(status.ready).to_owned());
    let token = match status.token_ttl_seconds {
        Some(seconds) => format!("yes, for {seconds} s"),
        None => yes(status.authenticated).to_owned(),
    };
    line("logged in", if status.authenticated { token } else { "no".to_owned() });
    if let Some(error) = &status.login_error {
        line("", error.clone());
    }
    for template in &status.templates {
        let state = match template.state {
            TemplateState::Failed => "failed",
            TemplateState::Pending => "pending",
            TemplateState::Rendered => "rendered",
            TemplateState::Stale => "stale",
        };
        line("file", format!("{state:<9} {}", template.destination));
        if let Some(error) = &template.last_error {
            line("", error.clone());
        }
    }
    for lease in &status.leases {
        line("lease", format!("{} for {} s", lease.path, lease.expires_seconds));
    }
    for action in &status.reloads {
        line("reload", format!("{} ({} worked, {} failed)", action.action, action.succeeded, action.failed));
        if let Some(reason) = &action.waits_for {
            line("", format!("waits for {reason}"));
        }
        if let Some(error) = &action.last_error {
            line("", error.clone());
        }
    }
    text
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests;
