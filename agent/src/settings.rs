//! The configuration as the agent uses it: checked, with every default filled in.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use blinkchamber_contract::config::{AgentConfig, ReadError, ReloadAction};

use crate::{env::Environment, files::FileSpec, session::Pace, vault};

mod build;
mod login;
mod source;

pub(crate) use self::build::absolute;
pub use self::{login::LoginSettings, source::Source};

#[cfg(test)]
mod tests;

/// How often static secrets are looked at.
pub const STATIC_INTERVAL: Duration = Duration::from_secs(30);

/// Everything the agent needs to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The server.
    pub server: vault::Options,
    /// How to log in.
    pub login: LoginSettings,
    /// Waits between logins.
    pub login_pace: Pace,
    /// End when the first login fails.
    pub exit_on_login_error: bool,
    /// Files that hold the token.
    pub sinks: Vec<FileSpec>,
    /// Files to render.
    pub templates: Vec<TemplateSettings>,
    /// Waits between attempts to fetch one secret.
    pub fetch_pace: Pace,
    /// How often static secrets are looked at.
    pub static_interval: Duration,
    /// Share of a non-renewable lease after which it is replaced.
    pub lease_threshold: f64,
    /// Requests at once.
    pub concurrency: usize,
    /// Render everything once, then end.
    pub exit_after_auth: bool,
    /// In that mode: end with an error rather than wait for what does not come.
    pub exit_on_retry_failure: bool,
    /// File that holds the process id.
    pub pid_file: Option<PathBuf>,
    /// Directories whose files are one generation.
    pub generations: Vec<PathBuf>,
    /// Directory of the control socket; there is none without it.
    pub home: Option<PathBuf>,
    /// What to do after a file changed.
    pub reload: BTreeMap<PathBuf, Vec<ReloadAction>>,
    /// Give the token back at the end.
    pub revoke_on_exit: bool,
    /// Wait before that.
    pub revoke_grace: Duration,
    /// The metrics port.
    pub metrics: Option<SocketAddr>,
    /// Level or directives, unless the command line or the environment says otherwise.
    pub log_level: Option<String>,
    /// Format, unless the command line or the environment says otherwise.
    pub log_format: Option<String>,
}

/// One file to render.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TemplateSettings {
    /// The file.
    pub file: FileSpec,
    /// Template text.
    pub text: String,
    /// Left and right delimiter; empty for the default.
    pub delimiters: (String, String),
    /// A missing key is an error.
    pub error_on_missing_key: bool,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The environment variable is not what it must be.
    #[error("environment variable {name}: {reason}")]
    Environment {
        /// Name of the variable.
        name: String,
        /// What is wrong, and what is accepted.
        reason: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The text is not a configuration.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A value cannot be used.
    #[error("{key}: {reason}")]
    Value {
        /// Name of the key.
        key: String,
        /// What is wrong, and what is accepted.
        reason: String,
    },
}

impl Settings {
    /// Reads, checks and completes the configuration; the texts are warnings about keys without effect.
    ///
    /// # Errors
    ///
    /// On the first thing that is missing or wrong.
    pub fn load(source: &Source, environment: &Environment) -> Result<(Self, Vec<String>), SettingsError> {
        let (name, text) = source.read(environment)?;
        let parsed = AgentConfig::parse(&name, &text)?;
        Ok((build::settings(&parsed.config, environment)?, parsed.warnings))
    }
}
