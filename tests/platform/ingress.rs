//! ZITADEL by its name, as a browser reaches it: through the ingress, with a chain that a client can check, before and after
//! a renewal; once with the certificate of Traefik's agent, once with one of cert-manager.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{get, kubectl, service_address, try_kubectl};
use blinkchamber_tests::wait;
use reqwest::blocking::Client;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

const HOST: &str = "zitadel.localhost";
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn the_agents_certificate_is_served_and_renewed_without_a_failed_handshake() {
    let authority = Operator::login().request("GET", "pki/cert/ca", None).1;
    let browser = Browser::new(authority["data"]["certificate"].as_str().expect("the platform's authority"));
    let first = wait::until("the certificate is served", PATIENCE, || browser.leaf());
    browser.finds_zitadel();
    let (go_on, visitor) = (Arc::new(AtomicBool::new(true)), browser.clone());
    let flag = go_on.clone();
    let visits = spawn(move || {
        let mut failed = Vec::new();
        let mut worked = 0;
        while flag.load(Ordering::Relaxed) {
            match visitor.leaf() {
                Ok(_) => worked += 1,
                Err(error) => failed.push(error),
            }
            sleep(Duration::from_millis(50));
        }
        (worked, failed)
    });
    wait::until("another certificate is served", PATIENCE, || match browser.leaf()? {
        leaf if leaf == first => Err("the same one".to_owned()),
        leaf => Ok(leaf),
    });
    go_on.store(false, Ordering::Relaxed);
    let (worked, failed) = visits.join().expect("the visitor");
    assert!(worked > 0 && failed.is_empty(), "{worked} handshakes worked, failed: {failed:?}");
    browser.finds_zitadel();
    let secrets = kubectl(&["get", "secrets", "-n", "infra", "-o", "name"]);
    assert!(secrets.trim().is_empty(), "the controller needs no Secret: {secrets}");
}

#[test]
fn plain_http_is_led_to_https() {
    let address = service_address("infra", "ingress");
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = client.get(format!("http://{address}/ui/console")).header("host", HOST).send().expect("an answer");
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], format!("https://{HOST}/ui/console"));
}

#[test]
fn cert_managers_certificate_is_served_and_renewed() {
    let cleaned = CertManager::install();
    for object in issuers() {
        wait::until("cert-manager takes it", PATIENCE, || try_kubectl(&["apply", "-f", "-"], &object.to_string()));
    }
    let authority = wait::until("there is an authority", PATIENCE, || secret("infra", "test-ca", "tls.crt"));
    let browser = Browser::new(&authority);
    // What the chart makes of its values; the rest of the release stays as it is.
    let objects = ingress(&[
        "--set",
        "cert-manager.external=true,cert-manager.issuer.name=test-ca,cert-manager.duration=1h,cert-manager.renewBefore=30m",
    ]);
    try_kubectl(&["apply", "-f", "-"], &objects).expect("an Ingress");
    let first = wait::until("its certificate is served", PATIENCE, || browser.leaf());
    browser.finds_zitadel();
    let issuing = json!({"status": {"conditions": [{
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "a test asks for it",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}});
    kubectl(&[
        "patch",
        "certificate",
        "-n",
        "identity",
        "zitadel-tls",
        "--subresource",
        "status",
        "--type",
        "merge",
        "-p",
        &issuing.to_string(),
    ]);
    wait::until("another certificate is served", PATIENCE, || match browser.leaf()? {
        leaf if leaf == first => Err("the same one".to_owned()),
        leaf => Ok(leaf),
    });
    browser.finds_zitadel();
    drop(cleaned);
}

/// A client that believes one authority only.
#[derive(Clone)]
struct Browser {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    authority: String,
}

impl Browser {
    #[track_caller]
    fn new(authority: &str) -> Self {
        let ip: IpAddr = service_address("infra", "ingress").parse().expect("the ingress's address");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: SocketAddr::from((ip, 443)), tls: Arc::new(tls), authority: authority.to_owned() }
    }

    /// The certificate of a new connection, when its chain is valid for the name.
    fn leaf(&self) -> Result<Vec<u8>, String> {
        let socket =
            TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).map_err(|error| error.to_string())?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).map_err(|error| error.to_string())?;
        let name = ServerName::try_from(HOST).map_err(|error| error.to_string())?;
        let connection = ClientConnection::new(self.tls.clone(), name).map_err(|error| error.to_string())?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| error.to_string())?;
        }
        let leaf = stream.conn.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
        stream.conn.send_close_notify();
        stream.flush().ok();
        leaf.ok_or_else(|| "no certificate".to_owned())
    }

    /// ZITADEL's discovery document is there under its name.
    #[track_caller]
    fn finds_zitadel(&self) {
        rustls::crypto::ring::default_provider().install_default().ok();
        let root = reqwest::Certificate::from_pem(self.authority.as_bytes()).expect("a certificate");
        let client = Client::builder()
            .tls_certs_only([root])
            .resolve(HOST, self.address)
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        let url = format!("https://{HOST}/.well-known/openid-configuration");
        let found = wait::until("ZITADEL answers", PATIENCE, || {
            let answer = client.get(&url).send().map_err(|error| format!("{error:?}"))?;
            match answer.status().is_success() {
                true => answer.json::<Value>().map_err(|error| error.to_string()),
                false => Err(answer.status().to_string()),
            }
        });
        assert_eq!(found["issuer"], json!(format!("https://{HOST}")), "{found}");
    }
}

/// cert-manager beside the controller, and all that it leaves taken away again.
struct CertManager;

impl CertManager {
    #[track_caller]
    fn install() -> Self {
        let this = Self;
        infra("true");
        this
    }
}

impl Drop for CertManager {
    fn drop(&mut self) {
        // What failed is left to be looked at.
        if std::thread::panicking() {
            return;
        }
        try_kubectl(&["apply", "-f", "-"], &ingress(&[])).expect("the Ingress as it was");
        // Their kinds may not have come to be.
        try_kubectl(&["delete", "clusterissuers,certificates", "--all", "-A"], "").ok();
        infra("false");
        // Its webhook would make its Secret again.
        let pods = "app.kubernetes.io/name in (cert-manager,webhook,cainjector)";
        kubectl(&["wait", "--for=delete", "pods", "-n", "infra", "-l", pods, "--timeout=120s"]);
        kubectl(&["delete", "secrets", "--all", "-n", "identity"]);
        kubectl(&["delete", "secrets", "--all", "-n", "infra"]);
    }
}

#[track_caller]
fn infra(enabled: &str) {
    let chart = std::env::var("BLINKCHAMBER_INFRA_CHART")
        .expect("BLINKCHAMBER_INFRA_CHART: tests/platform/charts/assemble makes it");
    let set = format!("cert-manager.enabled={enabled}");
    helm(&[
        "upgrade",
        "blinkchamber-infra",
        &chart,
        "-n",
        "infra",
        "--reuse-values",
        "--set",
        &set,
        "--wait",
        "--timeout",
        "5m",
    ]);
}

/// The chart's Ingress with the release's values and more.
#[track_caller]
fn ingress(more: &[&str]) -> String {
    let values = helm(&["get", "values", "blinkchamber", "-n", "blinkchamber", "-o", "json"]);
    let mut arguments = vec![
        "template",
        "blinkchamber",
        "chart",
        "-n",
        "blinkchamber",
        "-s",
        "templates/ingress/ingress.yaml",
        "-f",
        "-",
    ];
    arguments.extend(more);
    helm_with(&arguments, &values)
}

#[track_caller]
fn helm(arguments: &[&str]) -> String {
    helm_with(arguments, "")
}

/// Helm keeps releases where deploy-umbrella.sh lets it: in ConfigMaps.
#[track_caller]
fn helm_with(arguments: &[&str], stdin: &str) -> String {
    let mut child = Command::new("helm")
        .args(arguments)
        .env("HELM_DRIVER", "configmap")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("helm starts");
    child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).expect("helm reads");
    let output = child.wait_with_output().expect("helm ends");
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// An authority of cert-manager's own making, and the issuer that signs with it.
fn issuers() -> [Value; 3] {
    let key = json!({"algorithm": "ECDSA", "size": 256});
    [
        json!({"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "selfsigned"}, "spec": {"selfSigned": {}}}),
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "test-ca", "namespace": "infra"},
            "spec": {"isCA": true, "commonName": "test", "secretName": "test-ca", "privateKey": key, "issuerRef": {"kind": "ClusterIssuer", "name": "selfsigned"}}}),
        json!({"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "test-ca"}, "spec": {"ca": {"secretName": "test-ca"}}}),
    ]
}

fn secret(namespace: &str, name: &str, key: &str) -> Result<String, String> {
    use base64::Engine as _;
    let found = get(namespace, "secret", name)?;
    let text = found["data"][key].as_str().ok_or("no such key")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
