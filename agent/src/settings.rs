//! The configuration as the agent uses it: checked, with every default filled in.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use blinkchamber_contract::config::{AgentConfig, ReadError, ReloadAction};

use crate::{env::Environment, files::FileSpec, reload::LeaseSettings, session::Pace, vault};

mod build;
mod login;
mod source;

pub(crate) use self::build::absolute;
pub(crate) use self::{login::LoginSettings, source::Source};

#[cfg(test)]
mod tests;

/// How often static secrets are looked at.
pub(crate) const STATIC_INTERVAL: Duration = Duration::from_secs(30);

/// Everything the agent needs to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) struct Settings {
    /// The server.
    pub(crate) server: vault::Options,
    /// How to log in.
    pub(crate) login: LoginSettings,
    /// Waits between logins.
    pub(crate) login_pace: Pace,
    /// End when the first login fails.
    pub(crate) exit_on_login_error: bool,
    /// Files that hold the token.
    pub(crate) sinks: Vec<FileSpec>,
    /// Files to render.
    pub(crate) templates: Vec<TemplateSettings>,
    /// Waits between attempts to fetch one secret.
    pub(crate) fetch_pace: Pace,
    /// How often static secrets are looked at.
    pub(crate) static_interval: Duration,
    /// Share of a non-renewable lease after which it is replaced.
    pub(crate) lease_threshold: f64,
    /// Requests at once.
    pub(crate) concurrency: usize,
    /// Render everything once, then end.
    pub(crate) exit_after_auth: bool,
    /// In that mode: end with an error rather than wait for what does not come.
    pub(crate) exit_on_retry_failure: bool,
    /// File that holds the process id.
    pub(crate) pid_file: Option<PathBuf>,
    /// Directories whose files are one generation.
    pub(crate) generations: Vec<PathBuf>,
    /// Directory of the control socket; there is none without it.
    pub(crate) home: Option<PathBuf>,
    /// What to do after a file changed.
    pub(crate) reload: BTreeMap<PathBuf, Vec<ReloadAction>>,
    /// Whose turn it is to do that.
    pub(crate) reload_lease: Option<LeaseSettings>,
    /// Give the token back at the end.
    pub(crate) revoke_on_exit: bool,
    /// Wait before that.
    pub(crate) revoke_grace: Duration,
    /// How long a superseded credential is left alive.
    pub(crate) drain: Duration,
    /// The metrics port.
    pub(crate) metrics: Option<SocketAddr>,
    /// Level or directives, unless the command line or the environment says otherwise.
    pub(crate) log_level: Option<String>,
    /// Format, unless the command line or the environment says otherwise.
    pub(crate) log_format: Option<String>,
}

/// One file to render.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) struct TemplateSettings {
    /// The file.
    pub(crate) file: FileSpec,
    /// Template text.
    pub(crate) text: String,
    /// Left and right delimiter; empty for the default.
    pub(crate) delimiters: (String, String),
    /// A missing key is an error.
    pub(crate) error_on_missing_key: bool,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SettingsError {
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
    pub(crate) fn load(source: &Source, environment: &Environment) -> Result<(Self, Vec<String>), SettingsError> {
        let (name, text) = source.read(environment)?;
        let parsed = AgentConfig::parse(&name, &text)?;
        Ok((build::settings(&parsed.config, environment)?, parsed.warnings))
    }
}
