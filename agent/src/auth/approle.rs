//! The AppRole method: role id and secret id from files.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Grant, Login, LoginError, file, show};
use crate::vault::Client;

/// Settings of the method.
pub(crate) struct AppRole {
    role_id_file: PathBuf,
    secret_id_file: Option<PathBuf>,
    remove_secret_id: bool,
    /// The secret id that was read last: its file may be gone when the next login comes.
    secret_id: Mutex<Option<Zeroizing<String>>>,
}

/// The body of the login.
#[derive(Serialize)]
struct Body<'a> {
    role_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<&'a str>,
}

impl AppRole {
    /// `remove_secret_id`: the file is deleted once it was read.
    pub(crate) fn new(role_id_file: PathBuf, secret_id_file: Option<PathBuf>, remove_secret_id: bool) -> Self {
        Self { role_id_file, secret_id_file, remove_secret_id, secret_id: Mutex::new(None) }
    }

    pub(super) async fn login(&self, client: &Client, login: &Login) -> Result<Grant, LoginError> {
        let role_id = file::read(&self.role_id_file, "the role id")?;
        let secret_id = self.secret_id()?;
        let secret_id = secret_id.as_ref().map(|text| text.as_str());
        show(client, login, &Body { role_id: &role_id, secret_id }).await
    }

    /// The secret id of the file, or of the last time when the file was removed.
    fn secret_id(&self) -> Result<Option<Zeroizing<String>>, LoginError> {
        let Some(path) = &self.secret_id_file else { return Ok(None) };
        let mut kept = self.secret_id.lock().unwrap_or_else(PoisonError::into_inner);
        match file::read(path, "the secret id") {
            Ok(text) => {
                *kept = Some(text.clone());
                if self.remove_secret_id
                    && let Err(error) = fs::remove_file(path)
                {
                    tracing::warn!(path = %path.display(), %error, "the secret id file cannot be removed after reading");
                }
                Ok(Some(text))
            }
            Err(error) => kept.clone().map(Some).ok_or(error),
        }
    }
}
