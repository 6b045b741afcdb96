//! The webhook under load by `wrk`, beside vault-k8s's recorded figures and a bare server that answers a constant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::machine::{Running, ours, seconds_until};
use crate::table::{Peer, Table};

const WEBHOOK_PORT: &str = "18443";
const ADMIN_PORT: &str = "18080";
const LIMIT_PORT: &str = "18444";
const LIMIT: Duration = Duration::from_secs(30);

/// What wrk says of one run: requests a second, and latencies in microseconds.
struct Load {
    rate: f64,
    median: f64,
    p99: f64,
}

/// Adds the webhook's rows.
pub(crate) fn measure(table: &mut Table) {
    let scratch = PathBuf::from(format!("/dev/shm/blinkchamber-bench-webhook-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a scratch directory");
    let (certificate, key) = pair(&scratch);
    let script = script(&scratch);
    let webhook = Running::start(Command::new(ours("release", "blinkchamber-webhook")).arg("serve").args([
        "--listen=127.0.0.1:".to_owned() + WEBHOOK_PORT,
        "--admin-listen=127.0.0.1:".to_owned() + ADMIN_PORT,
        format!("--tls-cert-file={}", certificate.display()),
        format!("--tls-key-file={}", key.display()),
        "--vault-address=http://vault:8200".to_owned(),
        "--agent-image=agent:1".to_owned(),
        "--log-level=warn".to_owned(),
    ]));
    let bare = Running::start(Command::new(ours("release", "constant-server")).args([
        LIMIT_PORT,
        &certificate.display().to_string(),
        &key.display().to_string(),
        "4096",
    ]));
    for port in [WEBHOOK_PORT, LIMIT_PORT] {
        seconds_until(LIMIT, || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    }
    let (one, limit_one) = (load(&script, WEBHOOK_PORT, 1), load(&script, LIMIT_PORT, 1));
    table.less("webhook, 3 secrets, 1 connection: median latency", "us", Peer::Recorded(311.0), one.median);
    let (many, limit_many) = (load(&script, WEBHOOK_PORT, 16), load(&script, LIMIT_PORT, 16));
    table.more("webhook, 3 secrets, 16 connections: rate", "req/s", Peer::Recorded(4_585.0), many.rate);
    table.less("webhook, 3 secrets, 16 connections: 99th percentile", "ms", Peer::Recorded(16.0), many.p99 / 1e3);
    table.less("webhook, resident memory under that load", "MB", Peer::Recorded(47.0), webhook.memory("VmHWM"));
    table.note(format!(
        "The limit in the same run, a bare hyper + rustls server that answers 4 KiB: {:.0} us on one connection; {:.0} req/s, 99th percentile {:.2} ms on 16. The load comes from `wrk` on the same cores.",
        limit_one.median, limit_many.rate, limit_many.p99 / 1e3
    ));
    drop((webhook, bare));
    fs::remove_dir_all(&scratch).ok();
}

fn load(script: &Path, port: &str, connections: u8) -> Load {
    let url = format!("https://127.0.0.1:{port}/mutate");
    let count = format!("-c{connections}");
    let threads = if connections == 1 { "-t1" } else { "-t2" };
    let output = Command::new("wrk")
        .args([threads, &count, "-d8s", "--latency", "-s"])
        .arg(script)
        .arg(&url)
        .output()
        .expect("wrk is installed: make setup");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "every answer is a success: {text}");
    let after = |name: &str| {
        let line =
            text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
        line.split_whitespace().nth(1).expect("a figure").to_owned()
    };
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"))
        .expect("a rate")
        .trim()
        .parse()
        .expect("a number");
    Load { rate, median: microseconds(&after("50%")), p99: microseconds(&after("99%")) }
}

fn microseconds(figure: &str) -> f64 {
    let (number, factor) = match figure {
        f if f.ends_with("us") => (f.trim_end_matches("us"), 1.0),
        f if f.ends_with("ms") => (f.trim_end_matches("ms"), 1e3),
        f => (f.trim_end_matches('s'), 1e6),
    };
    number.parse::<f64>().expect("a number") * factor
}

/// A review of a pod with three secrets, as the API server sends it, in a script for wrk.
fn script(scratch: &Path) -> PathBuf {
    let mut annotations = json!({"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "app"});
    for n in 0..3 {
        annotations[format!("vault.hashicorp.com/agent-inject-secret-s{n}")] = json!(format!("secret/data/app/s{n}"));
        annotations[format!("vault.hashicorp.com/agent-inject-template-s{n}")] =
            json!(format!("{{{{ with secret \"secret/data/app/s{n}\" }}}}{{{{ .Data.data.password }}}}{{{{ end }}}}"));
    }
    let token = json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "default",
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
            "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-", "annotations": annotations},
                "spec": {"containers": [{"name": "app", "image": "app:1", "volumeMounts": [token]}],
                         "volumes": [{"name": "kube-api-access-x", "projected": {"sources": []}}]}}},
    });
    let path = scratch.join("post.lua");
    let text =
        format!("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{review}]==]\n");
    fs::write(&path, text).expect("written");
    path
}

fn pair(scratch: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (scratch.join("tls.crt"), scratch.join("tls.key"));
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=bench",
        ])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .stderr(std::process::Stdio::null())
        .status()
        .expect("openssl is installed");
    assert!(status.success());
    (certificate, key)
}
