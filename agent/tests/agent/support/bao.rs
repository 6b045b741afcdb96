//! The real OpenBao, one development server per test.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use blinkchamber_test_tools::{Running, bao_dev, free_port};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::process::{PATIENCE, wait};

/// A running server with the root token `root`; it is killed when dropped.
pub(crate) struct Bao {
    running: Running,
    port: u16,
    tls_port: u16,
    output: NamedTempFile,
    /// Kept: the server reads it again when it is told to.
    _config: Option<NamedTempFile>,
}

impl Bao {
    /// Starts a server on a free port.
    pub(crate) fn start() -> Self {
        let (port, output) = (free_port(), NamedTempFile::new().unwrap());
        Self { running: spawn(port, output.path(), &[]), port, tls_port: 0, output, _config: None }.up()
    }

    /// Starts a server that speaks TLS on a port of its own too, with `server.pem` and `server.key` of a directory.
    pub(crate) fn start_with_tls(certificates: &Path, more: &str) -> Self {
        let (port, tls_port) = (free_port(), free_port());
        let (output, config) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let (cert, key) = (certificates.join("server.pem"), certificates.join("server.key"));
        let text = format!(
            "listener \"tcp\" {{\n address = \"127.0.0.1:{tls_port}\"\n tls_cert_file = {cert:?}\n tls_key_file = {key:?}\n {more}\n}}\n"
        );
        fs::write(config.path(), text).unwrap();
        let argument = format!("-config={}", config.path().display());
        let running = spawn(port, output.path(), &[&argument]);
        Self { running, port, tls_port, output, _config: Some(config) }.up()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.running.id().to_string();
        let sent = Command::new("kill").args([format!("-{name}"), id]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills the server; what it knew is gone with it.
    pub(crate) fn stop(&mut self) {
        self.running.stop();
    }

    /// Starts an empty server on the same port.
    pub(crate) fn start_again(mut self) -> Self {
        self.stop();
        self.running = spawn(self.port, self.output.path(), &[]);
        self.up()
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// A request of the operator; its answer.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_ask(method, path, &body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Writes a KV v2 secret.
    #[track_caller]
    pub(crate) fn put(&self, name: &str, data: Value) {
        self.ask("POST", &format!("secret/data/{name}"), json!({ "data": data }));
    }

    /// Writes a KV v2 secret as soon as the server takes it.
    #[track_caller]
    pub(crate) fn put_when_up(&self, name: &str, data: &Value) {
        let (path, body) = (format!("secret/data/{name}"), json!({ "data": data }));
        wait("the server takes a secret", PATIENCE, || self.try_ask("POST", &path, &body).0 == 200);
    }

    /// The key that the development server printed at its start.
    #[track_caller]
    pub(crate) fn unseal_key(&self) -> String {
        let mut key = None;
        wait("the server prints its unseal key", PATIENCE, || {
            let output = fs::read_to_string(self.output.path()).unwrap();
            key = output.lines().find_map(|line| line.trim().strip_prefix("Unseal Key: ").map(str::to_owned));
            key.is_some()
        });
        key.unwrap()
    }

    /// A policy, and a token with it.
    #[track_caller]
    pub(crate) fn token(&self, policy: &str, settings: Value) -> String {
        self.ask("PUT", "sys/policies/acl/app", json!({ "policy": policy }));
        let mut body = json!({ "policies": ["app"], "no_parent": true });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let answer = self.ask("POST", "auth/token/create", body);
        answer["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// An AppRole with a policy; role id and secret id.
    #[track_caller]
    pub(crate) fn app_role(&self, policy: &str, settings: Value) -> (String, String) {
        self.ask("PUT", "sys/policies/acl/app", json!({ "policy": policy }));
        if self.try_ask("GET", "auth/approle/role", &Value::Null).0 >= 400 {
            self.try_ask("POST", "sys/auth/approle", &json!({ "type": "approle" }));
        }
        let mut body = json!({ "token_policies": "app" });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.ask("POST", "auth/approle/role/app", body);
        let role = self.ask("GET", "auth/approle/role/app/role-id", Value::Null);
        let secret = self.ask("POST", "auth/approle/role/app/secret-id", json!({}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&role["data"]["role_id"]), text(&secret["data"]["secret_id"]))
    }

    /// Leases that the server holds below a prefix.
    #[track_caller]
    pub(crate) fn leases(&self, prefix: &str) -> usize {
        match self.try_ask("LIST", &format!("sys/leases/lookup/{prefix}"), &Value::Null) {
            (200, answer) => answer["data"]["keys"].as_array().map_or(0, Vec::len),
            (404, _) => 0,
            (status, answer) => panic!("leases of {prefix}: {status} {answer}"),
        }
    }

    pub(crate) fn try_ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        crate::double::ask(self.port, method, &format!("/v1/{path}"), "root", &body).unwrap_or((0, Value::Null))
    }

    fn up(self) -> Self {
        wait("the server is up", PATIENCE, || {
            self.try_ask("GET", "sys/health", &Value::Null).0 == 200
                && self.try_ask("GET", "sys/internal/ui/mounts/secret/x", &Value::Null).0 == 200
        });
        self
    }
}

fn spawn(port: u16, output: &Path, more: &[&str]) -> Running {
    Running::start(bao_dev(port, "root").args(more).stdout(fs::File::create(output).unwrap()))
}

/// Waits for a moment that nothing announces.
pub(crate) fn pause(seconds: f64) {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::sleep(left);
    }
}
