//! From `create` to Ready of a pod with an injected agent, on the node, with the platform installed.

use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply};
use serde_json::json;

use crate::machine::median;
use crate::table::{Peer, Table};

const RUNS: usize = 7;

/// Adds the pod's row.
pub(crate) fn measure(table: &mut Table) {
    let namespace = Namespace::new("bench");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("bench", &json!({"value": "v"}));
    operator.grant("bench", &namespace.name, "app", "path \"secret/data/bench\" { capabilities = [\"read\"] }");
    let times = (0..RUNS).map(|run| {
        let name = format!("app-{run}");
        let start = Instant::now();
        apply(&pod(&namespace.name, &name));
        namespace.ready_pod(&name, Duration::from_secs(60));
        start.elapsed().as_secs_f64()
    });
    let times = times.collect();
    table.less("pod with an injected agent: create to Ready", "s", Peer::Recorded(3.7), median(times));
}

fn pod(namespace: &str, name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "bench",
            "vault.hashicorp.com/agent-inject-secret-value": "secret/data/bench",
        }},
        "spec": {
            "serviceAccountName": "app", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsUser": 10001, "fsGroup": 10001, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "app", "image": "localhost/busybox:dev", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}
