//! (g) What breaks, breaks clearly, loses nothing, and heals by itself. (A server that answers garbage, half a body, 503
//! or nothing at all is played in the agent's own tests, `agent/tests/`.)

use std::fs;
use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, PLATFORM, apply, get, kubectl};
use blinkchamber_tests::{node, wait};
use serde_json::{Value, json};

use crate::pods::{inject, pod, uid};

const KEY: &str = "vault.hashicorp.com/agent-inject-template-app.env";

struct Running {
    namespace: Namespace,
    pod: Value,
    /// Path of its secret below the mount; each test has its own, for they run side by side.
    secret: String,
}

/// A pod with one file that holds the key `value` of a secret named like its role.
fn running(prefix: &str, role: &str, more: &[(&str, &str)]) -> Running {
    let namespace = Namespace::new(prefix);
    namespace.service_account("app");
    let operator = Operator::login();
    let secret = format!("e2e/{role}");
    operator.put(&secret, &json!({"value": "before"}));
    operator.grant(role, &namespace.name, "app", &policy(&secret));
    apply(&injected(&namespace, role, &secret, more));
    let pod = namespace.ready_pod("app", Duration::from_secs(60));
    Running { namespace, pod, secret }
}

fn policy(secret: &str) -> String {
    format!("path \"secret/data/{secret}\" {{ capabilities = [\"read\"] }}")
}

fn injected(namespace: &Namespace, role: &str, secret: &str, more: &[(&str, &str)]) -> Value {
    let path = format!("secret/data/{secret}");
    let template = format!("{{{{ with secret \"{path}\" }}}}{{{{ .Data.data.value }}}}{{{{ end }}}}");
    let mut annotations = inject(role, &path, KEY, &template);
    annotations.extend(more);
    pod(&namespace.name, "app", "app", &annotations)
}

impl Running {
    fn file(&self) -> String {
        let app = node::process(uid(&self.pod), "sleep 3600");
        fs::read_to_string(app.path("/vault/secrets/app.env")).expect("the file is always there")
    }

    fn status(&self) -> Result<Value, String> {
        let text = self.namespace.exec("app", "vault-agent", &["/blinkchamber-agent", "status", "--json"])?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    fn assert_follows(&self, value: &str) {
        Operator::login().put(&self.secret, &json!({"value": value}));
        wait::until("the next version arrives", Duration::from_secs(90), || {
            self.namespace.exec("app", "vault-agent", &["/blinkchamber-agent", "refresh"]).ok();
            if self.file() == value { Ok(()) } else { Err(format!("{:?}", self.status())) }
        });
    }
}

#[test]
fn a_server_that_is_gone_for_a_minute_costs_nothing() {
    let _guard = crate::disruptive();
    let running = running("gone", "e2e-gone", &[]);
    let replicas = get(PLATFORM, "statefulset", "vault").expect("the server")["spec"]["replicas"].to_string();
    kubectl(&["scale", "-n", PLATFORM, "statefulset/vault", "--replicas=0"]);
    for _ in 0..60 {
        assert_eq!(running.file(), "before", "the file stays");
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(running.status().is_ok(), "the agent lives on and answers");
    kubectl(&["scale", "-n", PLATFORM, "statefulset/vault", &format!("--replicas={replicas}")]);
    kubectl(&["rollout", "status", "-n", PLATFORM, "statefulset/vault", "--timeout=120s"]);
    running.assert_follows("after");
    assert_eq!(restarts(&running), 0, "nothing was restarted");
}

#[test]
fn a_sealed_server_costs_nothing() {
    let _guard = crate::disruptive();
    let running = running("sealed", "e2e-sealed", &[]);
    let operator = Operator::login();
    assert_eq!(operator.request("PUT", "sys/seal", None).0, 204);
    for _ in 0..10 {
        assert_eq!(running.file(), "before", "the file stays");
        std::thread::sleep(Duration::from_secs(1));
    }
    kubectl(&["delete", "pod", "-n", PLATFORM, "vault-0", "--wait=true"]);
    kubectl(&["rollout", "status", "-n", PLATFORM, "statefulset/vault", "--timeout=120s"]);
    running.assert_follows("unsealed");
}

#[test]
fn a_killed_agent_comes_back_and_rewrites_nothing() {
    let _guard = crate::peaceful();
    let running = running("killed", "e2e-killed", &[]);
    let app = node::process(uid(&running.pod), "sleep 3600");
    let generation = || fs::read_link(app.path("/vault/secrets/..data")).expect("a generation");
    let before = generation();
    for _ in 0..3 {
        node::process(uid(&running.pod), "blinkchamber-agent").kill();
        assert_eq!(running.file(), "before", "the file stays");
        wait::until("the agent is back", Duration::from_secs(90), || running.status());
    }
    assert_eq!(generation(), before, "equal bytes are not written again");
    running.assert_follows("after");
    let pod = get(&running.namespace.name, "pod", "app").expect("the pod");
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "the app did not notice");
}

#[test]
fn a_revoked_token_is_replaced() {
    let _guard = crate::peaceful();
    let running = running("revoked", "e2e-revoked", &[]);
    let operator = Operator::login();
    operator.write("sys/leases/revoke-prefix/auth/kubernetes/login/e2e-revoked", &json!({}));
    // Every token of the role, in case this server keeps no lease by role: they are found by accessor.
    let (_, accessors) = operator.request("LIST", "auth/token/accessors", None);
    for accessor in accessors["data"]["keys"].as_array().into_iter().flatten() {
        let (_, found) = operator.request("POST", "auth/token/lookup-accessor", Some(&json!({"accessor": accessor})));
        if found["data"]["meta"]["role"] == "e2e-revoked" {
            operator.write("auth/token/revoke-accessor", &json!({"accessor": accessor}));
        }
    }
    running.assert_follows("after");
}

#[test]
fn a_full_volume_keeps_the_old_file_and_says_so() {
    let _guard = crate::peaceful();
    let running = running("full", "e2e-full", &[("blinkchamber.io/volume-size-limit", "64Ki")]);
    let operator = Operator::login();
    operator.put(&running.secret, &json!({"value": "x".repeat(200_000)}));
    wait::until("the agent says what is wrong", Duration::from_secs(60), || {
        running.namespace.exec("app", "vault-agent", &["/blinkchamber-agent", "refresh"]).ok();
        let status = running.status()?.to_string();
        if status.contains("No space left") || status.contains("volume-size-limit") { Ok(()) } else { Err(status) }
    });
    assert_eq!(running.file(), "before", "the old file is whole");
    operator.put(&running.secret, &json!({"value": "small again"}));
    wait::until_true("it heals", Duration::from_secs(60), || {
        running.namespace.exec("app", "vault-agent", &["/blinkchamber-agent", "refresh"]).ok();
        running.file() == "small again"
    });
}

#[test]
fn a_wrong_role_and_a_wrong_namespace_are_named_and_heal_when_mended() {
    let _guard = crate::peaceful();
    let namespace = Namespace::new("wrong");
    namespace.service_account("app");
    let operator = Operator::login();
    let secret = "e2e/wrong";
    operator.request("DELETE", "auth/kubernetes/role/e2e-wrong", None);
    operator.put(secret, &json!({"value": "v"}));
    apply(&injected(&namespace, "e2e-wrong", secret, &[]));
    let logs = |text: &str| {
        wait::until(&format!("the log names {text}"), Duration::from_secs(60), || {
            let log = blinkchamber_tests::cluster::try_kubectl(
                &["logs", "-n", &namespace.name, "app", "-c", "vault-agent"],
                "",
            )?;
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    };
    logs("e2e-wrong");
    operator.grant("e2e-wrong", "somewhere-else", "app", &policy(secret));
    logs("namespace not authorized");
    operator.grant("e2e-wrong", &namespace.name, "app", &policy(secret));
    let pod = namespace.ready_pod("app", Duration::from_secs(180));
    assert_eq!(pod["status"]["initContainerStatuses"][0]["restartCount"], 0, "it waited, it did not crash");
}

fn restarts(running: &Running) -> i64 {
    let pod = get(&running.namespace.name, "pod", "app").expect("the pod");
    let all = ["initContainerStatuses", "containerStatuses"];
    all.iter().filter_map(|kind| pod["status"][kind][0]["restartCount"].as_i64()).sum()
}
