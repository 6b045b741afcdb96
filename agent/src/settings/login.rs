//! The settings of the login methods.

use std::path::PathBuf;

use blinkchamber_contract::config::Method as MethodConfig;
use serde_json::Value;

use super::SettingsError;
use crate::auth::{AppRole, DEFAULT_TOKEN_PATH, Kubernetes, Login, Method, TokenFile};

/// How to log in, as configured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LoginSettings {
    mount: String,
    namespace: Option<String>,
    method: MethodSettings,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum MethodSettings {
    AppRole { role_id_file: PathBuf, secret_id_file: Option<PathBuf>, remove_secret_id: bool },
    Kubernetes(Kubernetes),
    TokenFile(TokenFile),
}

impl LoginSettings {
    /// Checks `auto_auth.method`.
    pub(super) fn new(config: &MethodConfig) -> Result<Self, SettingsError> {
        let method = match config.kind.as_str() {
            "approle" => MethodSettings::AppRole {
                role_id_file: required(config, "role_id_file_path")?.into(),
                secret_id_file: text(config, "secret_id_file_path")?.map(PathBuf::from),
                remove_secret_id: boolean(config, "remove_secret_id_file_after_reading")?.unwrap_or(true),
            },
            "kubernetes" => MethodSettings::Kubernetes(Kubernetes {
                role: required(config, "role")?,
                token_path: text(config, "token_path")?.unwrap_or_else(|| DEFAULT_TOKEN_PATH.to_owned()).into(),
            }),
            "token_file" => MethodSettings::TokenFile(TokenFile { path: required(config, "token_file_path")?.into() }),
            other => {
                let reason = format!("{other:?} is not supported; use kubernetes, approle or token_file");
                return Err(SettingsError::Value { key: "auto_auth.method.type".to_owned(), reason });
            }
        };
        if config.kind == "approle" && config.config.contains_key("secret_id_response_wrapping_path") {
            let reason = "wrapped secret ids are not supported; put the secret id itself into the file".to_owned();
            return Err(SettingsError::Value { key: key("secret_id_response_wrapping_path"), reason });
        }
        let mount = config.mount_path.as_deref().map(|path| path.trim_matches('/')).filter(|path| !path.is_empty());
        Ok(Self {
            mount: mount.map_or_else(|| format!("auth/{}", config.kind), str::to_owned),
            namespace: config.namespace.clone().filter(|namespace| !namespace.is_empty()),
            method,
        })
    }

    /// The login itself.
    pub(crate) fn login(&self) -> Login {
        let method = match self.method.clone() {
            MethodSettings::AppRole { role_id_file, secret_id_file, remove_secret_id } => {
                Method::AppRole(AppRole::new(role_id_file, secret_id_file, remove_secret_id))
            }
            MethodSettings::Kubernetes(method) => Method::Kubernetes(method),
            MethodSettings::TokenFile(method) => Method::TokenFile(method),
        };
        Login { mount: self.mount.clone(), namespace: self.namespace.clone(), method }
    }
}

fn required(config: &MethodConfig, name: &str) -> Result<String, SettingsError> {
    text(config, name)?.ok_or_else(|| SettingsError::Value {
        key: key(name),
        reason: format!("must be given for the method {}", config.kind),
    })
}

fn text(config: &MethodConfig, name: &str) -> Result<Option<String>, SettingsError> {
    match config.config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(SettingsError::Value { key: key(name), reason: "must be a text".to_owned() }),
    }
}

fn boolean(config: &MethodConfig, name: &str) -> Result<Option<bool>, SettingsError> {
    match config.config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
        Some(_) => Err(SettingsError::Value { key: key(name), reason: "must be true or false".to_owned() }),
    }
}

fn key(name: &str) -> String {
    format!("auto_auth.method.config.{name}")
}
