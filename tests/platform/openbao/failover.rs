//! What ends, and what a client sees of it.

use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::bao::writer::Writer;
use blinkchamber_tests::cluster::{Namespace, PLATFORM, apply, kubectl};
use blinkchamber_tests::network::Cut;
use blinkchamber_tests::node::process;
use blinkchamber_tests::wait;
use serde_json::json;

use super::members::{LIMIT, MEMBERS, leader, leader_besides, server, whole};

#[test]
fn a_leader_that_ends_in_any_way_takes_no_acknowledged_write_with_it() {
    let before = whole();
    let writer = Writer::start();
    let deleted = leader();
    let start = Instant::now();
    kubectl(&["delete", "pod", "-n", PLATFORM, &deleted, "--wait=false"]);
    writer.goes_on("writes after the leader's pod was deleted");
    println!("leader deleted, written again after {:.1} s", start.elapsed().as_secs_f32());
    whole();
    let killed = leader();
    let start = Instant::now();
    server(&killed).kill();
    writer.goes_on("writes after the leader was killed");
    println!("leader killed, written again after {:.1} s", start.elapsed().as_secs_f32());
    whole();
    for pod in MEMBERS {
        kubectl(&["delete", "pod", "-n", PLATFORM, pod, "--wait=false"]);
        writer.goes_on(&format!("writes after {pod} was deleted"));
        assert_eq!(whole(), before, "the same cluster");
    }
    writer.finish("leader deleted, killed, each member deleted");
}

#[test]
fn a_leader_that_nobody_reaches_is_replaced_and_comes_back_as_a_standby() {
    whole();
    let cut_off = leader();
    let writer = Writer::start();
    let network = Cut::off(server(&cut_off).pid);
    let start = Instant::now();
    let successor = leader_besides(&cut_off);
    writer.goes_on("writes to the successor");
    println!("leader cut off, written again after {:.1} s", start.elapsed().as_secs_f32());
    drop(network);
    whole();
    assert_eq!(leader(), successor);
    writer.finish("leader cut off");
}

#[test]
fn all_members_at_once_come_back_with_every_write() {
    let before = whole();
    let writer = Writer::start();
    let start = Instant::now();
    let mut everything = vec!["delete", "pod", "-n", PLATFORM, "--grace-period=0", "--force"];
    everything.extend(MEMBERS);
    kubectl(&everything);
    writer.goes_on("writes after all members were gone");
    println!("all members deleted at once, written again after {:.1} s", start.elapsed().as_secs_f32());
    assert_eq!(whole(), before, "no second cluster");
    writer.finish("all members deleted at once");
}

#[test]
fn an_outage_longer_than_a_login_is_survived_by_agents() {
    whole();
    let namespace = Namespace::new("outage");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("e2e/outage", &json!({"value": "before"}));
    operator.grant(
        "e2e-outage",
        &namespace.name,
        "app",
        "path \"secret/data/e2e/outage\" { capabilities = [\"read\"] }",
    );
    // The login of this agent is over long before the server is back.
    operator.write(
        "auth/kubernetes/role/e2e-outage",
        &json!({"bound_service_account_names": "app", "bound_service_account_namespaces": namespace.name,
                "audience": "vault", "token_policies": "e2e-outage", "token_ttl": "10s", "token_max_ttl": "20s"}),
    );
    let security = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
                          "runAsUser": 1000, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "app", "namespace": namespace.name, "annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "e2e-outage",
            "vault.hashicorp.com/agent-inject-perms-value": "0444",
            "vault.hashicorp.com/agent-inject-template-value":
                "{{ with secret \"secret/data/e2e/outage\" }}{{ .Data.data.value }}{{ end }}"}},
        "spec": {"serviceAccountName": "app", "containers": [{
            "name": "app", "image": "localhost/busybox:dev", "command": ["sleep", "100000"], "securityContext": security}]}
    }));
    let pod = namespace.ready_pod("app", LIMIT);
    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    let file = process(uid, "sleep").path("/vault/secrets/value");
    let value = || std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(value(), "before");

    kubectl(&["scale", "-n", PLATFORM, "statefulset/vault", "--replicas=0"]);
    wait::until("no member is left", LIMIT, || {
        let left = kubectl(&["get", "pods", "-n", PLATFORM, "-l", "app.kubernetes.io/component=vault", "-o", "name"]);
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    std::thread::sleep(Duration::from_secs(25));
    assert_eq!(value(), "before", "the file stays");
    kubectl(&["scale", "-n", PLATFORM, "statefulset/vault", "--replicas=3"]);
    whole();
    Operator::login().put("e2e/outage", &json!({"value": "after"}));
    wait::until_true("the agent has logged in anew and found the new value", LIMIT, || value() == "after");
}
