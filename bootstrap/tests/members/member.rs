//! One server and its directory, ended with the test.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use blinkchamber_bootstrap::guard;
use blinkchamber_bootstrap::server::{Authorities, vault};
use blinkchamber_bootstrap::tls;
use blinkchamber_policies::apply::Vault;
use blinkchamber_test_tools::{free_port, tool};
use secrecy::SecretString;
use serde_json::{Value, json};

const PASSWORD: &str = "only-for-a-test";

/// Lets a test in, as the chart's stanza lets the job in. The auth method has no API server to ask here.
const INITIALIZE: &str = r#"
initialize "first" {
  request "policy" {
    operation = "update"
    path      = "sys/policies/acl/all"
    data      = { policy = "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\", \"sudo\"] }" }
  }
  request "auth" {
    operation = "update"
    path      = "sys/auth/userpass"
    data      = { type = "userpass" }
  }
  request "user" {
    operation = "update"
    path      = "auth/userpass/users/tester"
    data      = { password = "only-for-a-test", token_policies = ["all"] }
  }
  request "kubernetes" {
    operation = "update"
    path      = "sys/auth/kubernetes"
    data      = { type = "kubernetes" }
  }
  request "reviewer" {
    operation = "update"
    path      = "auth/kubernetes/config"
    data      = { kubernetes_host = "https://127.0.0.1:1", disable_local_ca_jwt = true, kubernetes_ca_cert = "none" }
  }
  request "role" {
    operation = "update"
    path      = "auth/kubernetes/role/bootstrap"
    data      = {
      bound_service_account_names      = ["blinkchamber-bootstrap"]
      bound_service_account_namespaces = ["blinkchamber"]
      audience                         = "vault"
      token_policies                   = ["bootstrap"]
    }
  }
}
"#;

/// A server.
pub(crate) struct Member {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) address: String,
    child: Option<Child>,
}

impl Member {
    /// Prepares a directory with this seal's key; nothing runs yet.
    pub(crate) fn new(seal_key: &[u8; 32]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (api, cluster) = (free_port(), free_port());
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::create_dir(path("data")).unwrap();
        fs::write(path("seal.key"), seal_key).unwrap();
        let template = format!(
            r#"
api_addr     = "https://127.0.0.1:{api}"
cluster_addr = "https://127.0.0.1:{cluster}"
listener "tcp" {{
  address         = "127.0.0.1:{api}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_cert_file   = "{tls}"
  tls_key_file    = "{tls}"
}}
storage "raft" {{
  path                   = "{data}"
  node_id                = "@POD_NAME@"
  performance_multiplier = 1
}}
seal "static" {{
  current_key_id = "key-1"
  current_key    = "file://{key}"
}}
"#,
            tls = path("tls.pem"),
            data = path("data"),
            key = path("seal.key"),
        );
        fs::write(path("template.hcl"), template).unwrap();
        fs::write(path("initialize.hcl"), INITIALIZE).unwrap();
        Self { address: format!("https://127.0.0.1:{api}"), child: None, directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn tls(&self, lifetime: &str) -> tls::Options {
        tls::Options {
            tls_seal_key_file: Some(self.path("seal.key")),
            tls_names: vec!["vault.blinkchamber.svc".to_owned(), "127.0.0.1".to_owned()],
            tls_lifetime: lifetime.to_owned(),
            tls_file: self.path("tls.pem"),
            tls_ca_file: self.path("ca.crt"),
        }
    }

    pub(crate) fn guard(&self, initialize: bool) -> guard::Options {
        guard::Options {
            pod_name: "vault-0".to_owned(),
            replicas: 1,
            peer_address: "https://{pod}".to_owned(),
            vault_ca_file: None,
            tls: self.tls("1h"),
            template: self.path("template.hcl"),
            initialize: initialize.then(|| self.path("initialize.hcl")),
            output: self.path("server.hcl"),
            data_dir: self.path("data"),
            marker: self.path("marker"),
            seal_key_file: None,
            timeout: 30,
        }
    }

    /// Runs the guard with these settings, then the server.
    pub(crate) fn start(&mut self, guard: &guard::Options) {
        guard::run(guard, &mut Vec::new()).unwrap();
        let child = Command::new(tool("bao"))
            .arg("server")
            .arg(format!("-config={}", self.path("server.hcl").display()))
            .env("HOME", self.directory.path())
            .stdout(fs::File::create(self.path("log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .expect("bao starts");
        self.child = Some(child);
    }

    /// Waits until the server says what it shall.
    pub(crate) fn wait(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let status = self.server().read("sys/seal-status").ok().flatten().unwrap_or_default();
            if is(&status) {
                return status;
            }
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(60), "never {what}: {status}\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the server leads: before that it answers no login, be it good or bad.
    pub(crate) fn wait_for_leader(&self) {
        let start = Instant::now();
        // 429 from a standby, 503 from a sealed one.
        while let Err(error) = self.server().read("sys/health") {
            assert!(start.elapsed() < Duration::from_secs(60), "never a leader: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a user can log in, and does.
    pub(crate) fn login(&self) -> Vault {
        self.server().with_token(&self.token()).unwrap()
    }

    /// The token of such a login.
    pub(crate) fn token(&self) -> SecretString {
        let start = Instant::now();
        loop {
            let body = json!({"password": PASSWORD});
            match self.server().write("auth/userpass/login/tester", &body) {
                Ok(answer) => {
                    return SecretString::from(answer["auth"]["client_token"].as_str().expect("a token"));
                }
                Err(error) => {
                    let log = fs::read_to_string(self.path("log")).unwrap_or_default();
                    assert!(start.elapsed() < Duration::from_secs(60), "no login: {error}\n{log}");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    pub(crate) fn server(&self) -> Vault {
        let authorities = Authorities::read(&self.path("ca.crt")).unwrap();
        vault(&self.address, Some(&authorities), Duration::from_secs(20)).unwrap()
    }

    /// Ends the server as a power loss would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}
