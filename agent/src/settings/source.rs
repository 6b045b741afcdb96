//! Where the configuration comes from.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::SettingsError;
use crate::env::{self, Environment};

/// Where the configuration comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// `VAULT_CONFIG`, as the webhook sets it.
    Environment,
    /// A file, JSON or HCL.
    File(PathBuf),
}

impl Source {
    /// Its name and its text.
    pub(super) fn read(&self, environment: &Environment) -> Result<(String, String), SettingsError> {
        match self {
            Self::File(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| SettingsError::File { path: path.clone(), reason: error.to_string() })?;
                Ok((path.display().to_string(), text))
            }
            Self::Environment => {
                let refuse = |reason: &str| SettingsError::Environment {
                    name: env::CONFIG.to_owned(),
                    reason: reason.to_owned(),
                };
                let value = environment.variable(env::CONFIG).map(str::trim).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| refuse("not set; set it, or give -config=FILE"))?;
                let bytes = BASE64_STANDARD.decode(value).map_err(|_error| refuse("not base64"))?;
                let text = String::from_utf8(bytes).map_err(|_error| refuse("not base64 of UTF-8 text"))?;
                Ok((env::CONFIG.to_owned(), text))
            }
        }
    }
}
