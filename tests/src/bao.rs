//! OpenBao as its operator sees it: logs in with the operator's service account and does what a test needs.

pub mod writer;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};

use crate::cluster::{PLATFORM, get, kubectl, service_address};
use crate::wait;

/// A session of the operator.
pub struct Operator {
    client: Client,
    base: String,
    token: String,
}

impl Operator {
    /// Logs in with a token of service account `blinkchamber-operator`, which `tests/values-e2e.yaml` gives full rights.
    #[track_caller]
    pub fn login() -> Self {
        Self::login_as(PLATFORM, "blinkchamber-operator", "operator")
    }

    /// Logs in as any service account, as a pod of it would.
    #[track_caller]
    pub fn login_as(namespace: &str, account: &str, role: &str) -> Self {
        let client = client();
        let base = format!("https://{HOST}:8200/v1");
        let jwt = kubectl(&["create", "token", "-n", namespace, account, "--audience", "vault", "--duration", "10m"]);
        let token = wait::until("the operator is logged in", Duration::from_secs(60), || {
            let response = client
                .post(format!("{base}/auth/kubernetes/login"))
                .json(&json!({"role": role, "jwt": jwt.trim()}))
                .send()
                .map_err(|error| error.to_string())?;
            let body: Value = response.json().map_err(|error| error.to_string())?;
            body["auth"]["client_token"].as_str().map(str::to_owned).ok_or_else(|| body["errors"].to_string())
        });
        let operator = Self { client, base, token };
        // A standby answers reads from what it has, and may not have heard of the token yet.
        wait::until("the token is known", Duration::from_secs(30), || {
            match operator.try_request("GET", "auth/token/lookup-self", None)? {
                (200, _) => Ok(()),
                (status, answer) => Err(format!("{status} {}", answer["errors"])),
            }
        });
        operator
    }

    /// One request; the status and the body (`null` when there is none).
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_request(method, path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// [`Self::request`] while the server may be away.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn try_request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), String> {
        let method = method.parse().expect("an HTTP method");
        let mut request =
            self.client.request(method, format!("{}/{path}", self.base)).header("X-Vault-Token", &self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().map_err(|error| if error.is_timeout() { "timeout" } else { "no connection" })?;
        Ok((response.status().as_u16(), response.json().unwrap_or(Value::Null)))
    }

    /// TLS for clients of the platform: trusts its own authority, and nobody else.
    #[track_caller]
    pub fn trust(&self) -> ClientConfig {
        let answer = self.request("GET", "pki/cert/ca", None).1;
        let pem = answer["data"]["certificate"].as_str().expect("the platform has an authority");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("an authority");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// Writes, retrying while the server has no leader.
    #[track_caller]
    pub fn write(&self, path: &str, body: &Value) -> Value {
        wait::until(&format!("write {path}"), Duration::from_secs(30), || {
            match self.request("POST", path, Some(body)) {
                (200..=299, answer) => Ok(answer),
                (status, answer) => Err(format!("{status} {}", answer["errors"])),
            }
        })
    }

    /// Writes one version of a KV v2 secret.
    #[track_caller]
    pub fn put(&self, path: &str, data: &Value) {
        self.write(&format!("secret/data/{path}"), &json!({"data": data}));
    }

    /// A policy and a Kubernetes-auth role for one service account.
    #[track_caller]
    pub fn grant(&self, role: &str, namespace: &str, account: &str, policy: &str) {
        self.write(&format!("sys/policies/acl/{role}"), &json!({"policy": policy}));
        self.write(
            &format!("auth/kubernetes/role/{role}"),
            &json!({"bound_service_account_names": account, "bound_service_account_namespaces": namespace,
                    "audience": "vault", "token_policies": role, "token_ttl": "1h"}),
        );
    }

    /// How many leases the server holds below a prefix.
    #[track_caller]
    pub fn leases(&self, prefix: &str) -> usize {
        match self.request("LIST", &format!("sys/leases/lookup/{prefix}"), None) {
            (404, _) => 0,
            (200, body) => body["data"]["keys"].as_array().map_or(0, Vec::len),
            (status, body) => panic!("list leases of {prefix}: {status} {body}"),
        }
    }
}

/// Name that the server's certificate is for.
const HOST: &str = "vault.blinkchamber.svc";

/// A client of OpenBao that trusts what its members publish, and that a dead server cannot hold for long.
#[track_caller]
pub fn client() -> Client {
    client_builder().build().expect("a client")
}

/// [`client`] before it is built; it also says which certificates servers show.
#[track_caller]
pub fn client_builder() -> ClientBuilder {
    // A second call is refused, which is as good: the provider is the same.
    ring::default_provider().install_default().ok();
    let map = get(PLATFORM, "configmap", "vault-ca").expect("the published authority");
    let pem = map["data"]["ca.crt"].as_str().expect("a certificate");
    let address: IpAddr = service_address(PLATFORM, "vault").parse().expect("the service's address");
    Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate")])
        .resolve(HOST, SocketAddr::from((address, 8200)))
        .timeout(Duration::from_secs(20))
        .tls_info(true)
}
