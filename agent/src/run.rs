//! From the command line to the running agent.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, ExitCode},
    time::Duration,
};

use tokio::{runtime::Builder, sync::mpsc};

use crate::{
    ask::ask,
    cli::{Action, Arguments, USAGE},
    control::Server,
    engine::{Engine, EngineError},
    env::{self, Environment},
    files::{FileSpec, Store},
    handle::Handle,
    logs, metrics,
    settings::{Settings, SettingsError},
    signals, termination,
};

/// Usage or configuration.
const USAGE_ERROR: u8 = 2;
/// Server, network or I/O.
const SERVER_ERROR: u8 = 3;

/// The program: reads the process's arguments and environment, and ends with the exit code to give.
pub fn run() -> ExitCode {
    let environment = Environment::of_process();
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            tell(&format!("{error}\n\n{USAGE}"));
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let outcome = match arguments.action {
        Action::Help => print(USAGE),
        Action::Version => print(concat!("blinkchamber-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Action::Run => agent(&arguments, &environment),
        Action::Ready | Action::Refresh | Action::Status => ask(&arguments, &environment),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            tell(&failure.message);
            if arguments.action == Action::Run {
                termination::leave(&failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}

/// Why the program ends, for a person and for a script.
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn usage(error: impl ToString) -> Self {
        Self { code: USAGE_ERROR, message: error.to_string() }
    }

    pub(crate) fn io(error: impl ToString) -> Self {
        Self { code: SERVER_ERROR, message: error.to_string() }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::usage(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::Client(_) | EngineError::Login { configuration: true, .. } => USAGE_ERROR,
            EngineError::Login { configuration: false, .. } | EngineError::Unavailable { .. } => SERVER_ERROR,
            EngineError::Template { .. } => 1,
        };
        Self { code, message: error.to_string() }
    }
}

pub(crate) fn print(text: &str) -> Result<u8, Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::io(format!("standard output: {error}")))?;
    Ok(0)
}

/// Says it on standard error; when that is closed there is nobody to tell.
fn tell(message: &str) {
    writeln!(io::stderr(), "blinkchamber-agent: {}", message.trim_end()).ok();
}

fn agent(arguments: &Arguments, environment: &Environment) -> Result<u8, Failure> {
    let level = arguments.log_level.as_deref().or_else(|| environment.server(env::LOG_LEVEL));
    let format = arguments.log_format.as_deref().or_else(|| environment.server(env::LOG_FORMAT));
    let (parsed, warnings) = Settings::load(&arguments.source(), environment)?;
    let level = level.or(parsed.log_level.as_deref()).unwrap_or_default();
    let format = format.or(parsed.log_format.as_deref()).unwrap_or_default();
    let filter = logs::filter(level)
        .ok_or_else(|| Failure::usage(format!("log level {level:?}: use trace, debug, info, warn or error")))?;
    let format = logs::Format::parse(format)
        .ok_or_else(|| Failure::usage(format!("log format {format:?}: use standard or json")))?;
    logs::begin(format, filter);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    harden();

    let mut settings = parsed;
    settings.exit_after_auth |= arguments.exit_after_auth;
    // One core is all that a sidecar gets; the second thread resolves names.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .thread_stack_size(256 * 1024)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .map_err(|error| Failure::io(format!("cannot start: {error}")))?;
    let pid_file = settings.pid_file.clone();
    if let Some(path) = &pid_file {
        write_pid(path)?;
    }
    let outcome = runtime.block_on(live(settings, arguments, environment));
    if let Some(path) = &pid_file {
        fs::remove_file(path).ok();
    }
    if let Err(failure) = &outcome {
        tracing::error!(error = failure.message, "the agent ends");
    }
    outcome
}

async fn live(settings: Settings, arguments: &Arguments, environment: &Environment) -> Result<u8, Failure> {
    let (commands, received) = mpsc::channel(16);
    signals::watch(commands.clone(), arguments.clone(), environment.clone())
        .map_err(|error| Failure::io(format!("cannot watch for signals: {error}")))?;
    if let Some(address) = settings.metrics {
        let listener = metrics::listen(address)
            .await
            .map_err(|error| Failure::io(format!("cannot open the metrics port {address}: {error}")))?;
        tokio::spawn(metrics::serve(listener, Handle::new(commands.clone())));
    }
    let _control = match &settings.home {
        Some(home) => Some(Server::start(home, Handle::new(commands.clone())).map_err(Failure::io)?),
        None => None,
    };
    let engine = Engine::new(settings, environment)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the agent runs");
    engine.run(received).await?;
    drop(commands);
    tracing::info!("the agent ends");
    Ok(0)
}

/// No core dumps, and no look into our memory from other containers with the same user id.
fn harden() {
    let forbidden = rustix::process::DumpableBehavior::NotDumpable;
    if let Err(error) = rustix::process::set_dumpable_behavior(forbidden) {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
}

fn write_pid(path: &Path) -> Result<(), Failure> {
    let spec = FileSpec { destination: absolute(path), mode: 0o600, user: None, group: None, create_dirs: false };
    let text = format!("{}\n", process::id()).into_bytes();
    Store::new(Vec::new()).commit(&[(spec, text)]).map(drop).map_err(Failure::io)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_error| path.to_path_buf())
}
