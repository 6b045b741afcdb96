//! (e) No pod ever runs without its agent: not while the webhook is down, not when it was made before the webhook.

use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, PLATFORM, apply, get, kubectl, list};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use crate::pods::{container, inject, map, spec};

const WEBHOOK: &str = "blinkchamber-webhook";

fn gated_deployment(namespace: &Namespace, role: &'static str) -> Value {
    let annotations = inject(
        role,
        "secret/data/e2e/gates",
        "vault.hashicorp.com/agent-inject-template-app.env",
        r#"{{ with secret "secret/data/e2e/gates" }}{{ .Data.data.value }}{{ end }}"#,
    );
    let mut pod_spec =
        spec("app", json!([container("app", "test -s /vault/secrets/app.env || exit 9; exec sleep 3600")]));
    pod_spec["schedulingGates"] = json!([{"name": "blinkchamber.io/injection"}]);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace.name},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": map(&annotations)}, "spec": pod_spec}},
    })
}

fn prepare(prefix: &str, role: &'static str) -> Namespace {
    let namespace = Namespace::new(prefix);
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("e2e/gates", &json!({"value": "v"}));
    operator.grant(role, &namespace.name, "app", "path \"secret/data/e2e/gates\" { capabilities = [\"read\"] }");
    namespace
}

fn assert_all_injected(namespace: &Namespace) {
    kubectl(&["rollout", "status", "-n", &namespace.name, "deployment/web", "--timeout=180s"]);
    let pods = list(&namespace.name, "pods", "app=web");
    let alive: Vec<_> = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect();
    assert_eq!(alive.len(), 3);
    for pod in alive {
        assert_eq!(pod["spec"]["initContainers"][0]["name"], "vault-agent", "{}", pod["metadata"]["name"]);
        assert!(pod["spec"]["schedulingGates"].as_array().is_none_or(Vec::is_empty), "the gate is open");
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "the app never started without its file");
    }
}

/// Nothing in the namespace may have been placed on a node without an agent.
fn assert_none_ran_bare(namespace: &Namespace) {
    for pod in list(&namespace.name, "pods", "app=web") {
        let bare = pod["spec"]["initContainers"].as_array().is_none_or(Vec::is_empty);
        assert!(!bare || pod["spec"]["nodeName"].is_null(), "{} runs without an agent", pod["metadata"]["name"]);
    }
}

#[test]
fn pods_created_while_the_webhook_is_down_come_up_injected() {
    let _guard = crate::disruptive();
    let namespace = prepare("down", "e2e-down");
    kubectl(&["scale", "-n", PLATFORM, "deployment", WEBHOOK, "--replicas=0"]);
    let selector = "app.kubernetes.io/name=webhook";
    wait::until_true("both replicas are gone", Duration::from_secs(60), || list(PLATFORM, "pods", selector).is_empty());
    apply(&gated_deployment(&namespace, "e2e-down"));
    for _ in 0..10 {
        assert_none_ran_bare(&namespace);
        std::thread::sleep(Duration::from_millis(500));
    }
    kubectl(&["scale", "-n", PLATFORM, "deployment", WEBHOOK, "--replicas=2"]);
    kubectl(&["rollout", "status", "-n", PLATFORM, "deployment", WEBHOOK, "--timeout=120s"]);
    assert_all_injected(&namespace);
    assert_none_ran_bare(&namespace);
}

#[test]
fn pods_created_before_the_webhook_was_registered_are_recreated_injected() {
    let _guard = crate::disruptive();
    let namespace = prepare("early", "e2e-early");
    let text = kubectl(&["get", "mutatingwebhookconfiguration", WEBHOOK, "-o", "json"]);
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    kubectl(&["delete", "mutatingwebhookconfiguration", WEBHOOK]);
    apply(&gated_deployment(&namespace, "e2e-early"));
    wait::until_true("three pods wait at their gate", Duration::from_secs(30), || {
        let pods = list(&namespace.name, "pods", "app=web");
        pods.len() >= 3 && pods.iter().all(|pod| pod["spec"]["initContainers"].is_null())
    });
    assert_none_ran_bare(&namespace);
    for field in ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"] {
        configuration["metadata"].as_object_mut().expect("an object").remove(field);
    }
    for webhook in configuration["webhooks"].as_array_mut().expect("a list") {
        // As the chart renders it: the replicas put their authorities in themselves.
        webhook["clientConfig"].as_object_mut().expect("an object").remove("caBundle");
    }
    kubectl_create(&configuration);
    assert_all_injected(&namespace);
    assert_none_ran_bare(&namespace);
}

fn kubectl_create(object: &Value) {
    blinkchamber_tests::cluster::try_kubectl(&["create", "-f", "-"], &object.to_string()).expect("created again");
    let name = object["metadata"]["name"].as_str().expect("a name");
    wait::until("the webhook's authorities are back", Duration::from_secs(60), || {
        let configuration = get(PLATFORM, "mutatingwebhookconfiguration", name)?;
        let bundle = &configuration["webhooks"][0]["clientConfig"]["caBundle"];
        if bundle.is_string() { Ok(()) } else { Err("no caBundle yet".to_owned()) }
    });
}
