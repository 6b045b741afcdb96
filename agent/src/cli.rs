//! The command line. Flags begin with one dash or two, as in Go.

use std::{path::PathBuf, time::Duration};

use blinkchamber_contract::annotations::values;

use crate::settings::Source;

/// How it is used.
pub(crate) const USAGE: &str = "\
blinkchamber-agent: logs in to OpenBao or Vault, renders secrets to files, keeps them fresh

Usage: blinkchamber-agent [COMMAND] [FLAGS]

Commands:
  run      run the agent (the default; `agent` is the same)
  ready    end with 0 when every file is in place, with 1 when not yet
  status   tell how the running agent is; --json for programs
  refresh  look at all static secrets now
  version  print the version

Flags:
  -config=FILE    configuration, JSON or HCL (default: base64 in VAULT_CONFIG)
  -exit-after-auth  end with 0 when every file is in place
  -log-level=L    trace, debug, info, warn or error
  -log-format=F   standard or json
  -socket=FILE    control socket of the running agent (default: from the configuration)
  -wait=DURATION  ready: how long to wait for the files, such as 4s (default: not at all)
  -json           status as JSON

Exit codes: 0 ok, 1 not ready or a failed job, 2 usage or configuration, 3 server, network or I/O
";

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Action {
    /// Print how it is used.
    Help,
    /// Are the files there?
    Ready,
    /// Look at static secrets.
    Refresh,
    /// Run the agent.
    #[default]
    Run,
    /// How is the agent?
    Status,
    /// Which version is it?
    Version,
}

/// The command line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Arguments {
    /// What is asked for.
    pub(crate) action: Action,
    /// Configuration file instead of `VAULT_CONFIG`.
    pub(crate) config: Option<PathBuf>,
    /// Init mode, whatever the configuration says.
    pub(crate) exit_after_auth: bool,
    /// Log level, before environment and configuration.
    pub(crate) log_level: Option<String>,
    /// Log format, before environment and configuration.
    pub(crate) log_format: Option<String>,
    /// Control socket, before the configuration.
    pub(crate) socket: Option<PathBuf>,
    /// How long `ready` waits.
    pub(crate) wait: Duration,
    /// Output for programs.
    pub(crate) json: bool,
}

/// A command line that makes no sense.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{argument}: {reason}")]
pub(crate) struct UsageError {
    /// The argument.
    pub(crate) argument: String,
    /// What is wrong, and what is accepted.
    pub(crate) reason: &'static str,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// On the first argument that makes no sense.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter();
        let mut commanded = false;
        while let Some(argument) = arguments.next() {
            let refuse = |reason| UsageError { argument: argument.clone(), reason };
            let Some(flag) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else {
                if commanded {
                    return Err(refuse("only one command at a time"));
                }
                commanded = true;
                parsed.action = command(&argument)
                    .ok_or_else(|| refuse("not a command; use run, ready, status, refresh or version (see --help)"))?;
                continue;
            };
            let (name, value) =
                flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
            let mut text = || value.clone().or_else(|| arguments.next()).ok_or_else(|| refuse("needs a value"));
            match name {
                "config" => parsed.config = Some(text()?.into()),
                "log-level" => parsed.log_level = Some(text()?),
                "log-format" => parsed.log_format = Some(text()?),
                "socket" => parsed.socket = Some(text()?.into()),
                "wait" => parsed.wait = values::seconds(&text()?).ok_or_else(|| refuse(DURATION))?,
                "exit-after-auth" => parsed.exit_after_auth = switch(value.as_deref()).ok_or_else(|| refuse(SWITCH))?,
                "json" => parsed.json = switch(value.as_deref()).ok_or_else(|| refuse(SWITCH))?,
                "h" | "help" => parsed.action = Action::Help,
                "version" => parsed.action = Action::Version,
                _ => return Err(refuse("not a flag (see --help)")),
            }
        }
        Ok(parsed)
    }

    /// Where the configuration comes from.
    pub(crate) fn source(&self) -> Source {
        self.config.clone().map_or(Source::Environment, Source::File)
    }
}

const DURATION: &str = "takes a duration such as 500ms, 4s or 1m";
const SWITCH: &str = "takes no value, or true or false";

fn command(name: &str) -> Option<Action> {
    Some(match name {
        "agent" | "run" => Action::Run,
        "help" => Action::Help,
        "ready" => Action::Ready,
        "refresh" => Action::Refresh,
        "status" => Action::Status,
        "version" => Action::Version,
        _ => return None,
    })
}

fn switch(value: Option<&str>) -> Option<bool> {
    match value {
        None | Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
