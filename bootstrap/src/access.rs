//! How to reach OpenBao and log in there.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use blinkchamber_policies::apply::{Method, ServerError, Vault};
use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::kubernetes::{self, Api};
use crate::server::{Authorities, at, vault};
use crate::{Failure, tls};

/// For one answer: a database that does not answer holds the request that long.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

/// Where, whom to trust, and as whom.
#[derive(Clone, clap::Args)]
#[group(skip)]
pub struct Options {
    /// URL of the server.
    #[arg(long, env = "BLINKCHAMBER_VAULT_ADDRESS")]
    pub vault_address: String,
    /// PEM file with the authorities of the server's certificate.
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_FILE")]
    pub vault_ca_file: Option<PathBuf>,
    /// `namespace/name` of the ConfigMap where the server's pods publish their authority (key `ca.crt`).
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_CONFIG_MAP", conflicts_with = "vault_ca_file")]
    pub vault_ca_config_map: Option<String>,
    /// Mount of the auth method.
    #[arg(long, env = "BLINKCHAMBER_AUTH_PATH", default_value = "kubernetes")]
    pub auth_path: String,
    /// The service account token, made for the role's audience.
    #[arg(long, env = "BLINKCHAMBER_TOKEN_FILE")]
    pub token_file: PathBuf,
    /// The API server.
    #[command(flatten)]
    pub api: kubernetes::Options,
}

impl Options {
    /// The server, without a token; waits until its authority is published.
    ///
    /// # Errors
    /// [`Failure`] for unusable settings, or when there is no authority after `wait`.
    pub fn server(&self, wait: Duration, mut say: impl FnMut(&str)) -> Result<Vault, Failure> {
        let authorities = self.authorities(wait, &mut say)?;
        vault(&self.vault_address, authorities.as_ref(), PATIENCE)
    }

    /// Whose certificates are trusted, when any are; waits until the authority is published.
    ///
    /// # Errors
    /// As [`Options::server`].
    pub fn authorities(&self, wait: Duration, mut say: impl FnMut(&str)) -> Result<Option<Authorities>, Failure> {
        match (&self.vault_ca_file, &self.vault_ca_config_map) {
            (Some(file), _) => Authorities::read(file).map(Some),
            (None, Some(name)) => self.published(name, wait, &mut say).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn published(&self, name: &str, wait: Duration, say: &mut impl FnMut(&str)) -> Result<Authorities, Failure> {
        let path = kubernetes::config_map("--vault-ca-config-map", name)?;
        let api = Api::new(&self.api)?;
        let (start, mut told) = (Instant::now(), String::new());
        loop {
            let why = match api.get(&path) {
                Ok(found) => match at(&found, "/data").get(tls::PUBLISHED).and_then(Value::as_str) {
                    Some(pem) => return Ok(Authorities::new(pem.as_bytes(), &format!("ConfigMap {name}"))),
                    None => format!("ConfigMap {name} holds no {} yet", tls::PUBLISHED),
                },
                Err(error) => error.to_string(),
            };
            if start.elapsed() >= wait {
                return Err(Failure::Unreachable(format!("the server's authority: {why}")));
            }
            if why != told {
                say(&format!("waiting: {why}"));
                told = why;
            }
            thread::sleep(PAUSE);
        }
    }

    /// One login.
    ///
    /// # Errors
    /// [`ServerError`]; also for a token file that cannot be read.
    pub fn log_in(&self, server: &Vault, role: &str) -> Result<SecretString, ServerError> {
        // Read anew each time: the kubelet replaces the token while a long wait goes on.
        let jwt = fs::read_to_string(&self.token_file).map(Zeroizing::new).map_err(|error| ServerError {
            method: Method::Post,
            path: format!("auth/{}/login", self.auth_path),
            status: None,
            reason: format!("{}: {error}", self.token_file.display()),
        })?;
        server.login(&self.auth_path, role, &SecretString::from(jwt.trim()))
    }
}
