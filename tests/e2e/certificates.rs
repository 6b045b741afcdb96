//! (f) Certificates that live 20 seconds are renewed under 200 admission requests a second: none fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use blinkchamber_tests::cluster::{Namespace, PLATFORM, get, kubectl};
use blinkchamber_tests::wait;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::pods::{inject, pod};

const WEBHOOK: &str = "blinkchamber-webhook";
const RATE: u32 = 200;
const WORKERS: u32 = 20;
const WATCHED: Duration = Duration::from_secs(60);

#[test]
fn renewal_under_load_fails_no_request() {
    let _guard = crate::disruptive();
    let namespace = Namespace::new("certificates");
    let restore = ShortLife::start();
    let annotations = inject(
        "any",
        "secret/data/any",
        "vault.hashicorp.com/agent-inject-template-app.env",
        r#"{{ with secret "secret/data/any" }}{{ .Data.data }}{{ end }}"#,
    );
    let object = pod(&namespace.name, "probe", "default", &annotations);
    let (client, server) = api_client();
    let url = format!("{server}/api/v1/namespaces/{}/pods?dryRun=All", namespace.name);
    let before = leaf_count();

    let (sent, start) = (AtomicUsize::new(0), Instant::now());
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut failures, mut round) = (Vec::new(), 0_u32);
                    let pause = Duration::from_secs(1) * WORKERS / RATE;
                    while start.elapsed() < WATCHED {
                        if let Err(failure) = create(&client, &url, &object) {
                            failures.push(failure);
                        }
                        sent.fetch_add(1, Ordering::Relaxed);
                        round += 1;
                        std::thread::sleep((pause * round).saturating_sub(start.elapsed()));
                    }
                    failures
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker does not panic")).collect()
    });
    let renewed = leaf_count() - before;
    drop(restore);
    assert!(
        failures.is_empty(),
        "{} of {} failed: {:?}",
        failures.len(),
        sent.load(Ordering::Relaxed),
        failures.first()
    );
    assert!(sent.load(Ordering::Relaxed) > 1_000, "the load was real");
    assert!(renewed >= 4, "two replicas renewed several times: {renewed}");
}

fn create(client: &Client, url: &str, object: &Value) -> Result<(), String> {
    let response = client.post(url).json(object).send().map_err(|error| error.to_string())?;
    let status = response.status();
    let body: Value = response.json().map_err(|error| error.to_string())?;
    let injected = body["spec"]["initContainers"][0]["name"] == "vault-agent";
    if status.is_success() && injected { Ok(()) } else { Err(format!("{status} {}", body["message"])) }
}

/// The API server as kubectl's user sees it.
fn api_client() -> (Client, String) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let text = kubectl(&["config", "view", "--raw", "--flatten", "--minify", "-o", "json"]);
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let bytes = |value: &Value| {
        base64::engine::general_purpose::STANDARD.decode(value.as_str().expect("a string")).expect("base64")
    };
    let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
    let identity = [bytes(&user["client-certificate-data"]), bytes(&user["client-key-data"])].concat();
    let client = Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&bytes(&cluster["certificate-authority-data"])).expect("a CA")])
        .identity(reqwest::Identity::from_pem(&identity).expect("a certificate and its key"))
        .timeout(Duration::from_secs(15))
        .build()
        .expect("a client");
    (client, cluster["server"].as_str().expect("an address").to_owned())
}

/// Leaves issued so far by all replicas, from their metrics.
fn leaf_count() -> u64 {
    let pods = blinkchamber_tests::cluster::list(PLATFORM, "pods", "app.kubernetes.io/name=webhook");
    let addresses = pods.iter().filter_map(|pod| pod["status"]["podIP"].as_str());
    addresses
        .map(|address| {
            let metrics = reqwest::blocking::get(format!("http://{address}:8080/metrics"))
                .and_then(|r| r.text())
                .expect("metrics");
            let line = metrics
                .lines()
                .find(|line| line.starts_with("blinkchamber_webhook_leaf_issued_total"))
                .expect("a counter");
            line.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok()).expect("a number")
        })
        .sum()
}

/// Gives the replicas 20-second leaves, and their usual life back at the end.
struct ShortLife(Value);

impl ShortLife {
    fn start() -> Self {
        let before = get(PLATFORM, "deployment", WEBHOOK).expect("the webhook's deployment");
        set("20s");
        Self(before)
    }
}

impl Drop for ShortLife {
    fn drop(&mut self) {
        let env = self.0["spec"]["template"]["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
        let life = env.iter().find(|one| one["name"] == "BLINKCHAMBER_LEAF_LIFETIME");
        set(life.and_then(|one| one["value"].as_str()).unwrap_or("24h"));
    }
}

fn set(life: &str) {
    kubectl(&["set", "env", "-n", PLATFORM, "deployment", WEBHOOK, &format!("BLINKCHAMBER_LEAF_LIFETIME={life}")]);
    kubectl(&["rollout", "status", "-n", PLATFORM, "deployment", WEBHOOK, "--timeout=120s"]);
    wait::until_true("only new replicas are left", Duration::from_secs(60), || {
        blinkchamber_tests::cluster::list(PLATFORM, "pods", "app.kubernetes.io/name=webhook").len() == 2
    });
}
