//! (k) An upgrade changes nothing that it should not, and an uninstall leaves nothing. Runs after all others, alone.

#![cfg(test)]

use std::process::Command;
use std::time::Duration;

use blinkchamber_tests::cluster::{PLATFORM, get, kubectl};
use blinkchamber_tests::wait;
use serde_json::Value;

const RELEASE: &str = "blinkchamber";

#[test]
fn upgrade_keeps_the_secrets_and_uninstall_leaves_nothing() {
    let before = blinkchamber_tests::bao::Operator::login().request("GET", "secret/data/postgres", None).1;
    assert!(before["data"]["data"].is_object(), "the first secrets are there");
    helm(&[
        "upgrade",
        RELEASE,
        "../chart",
        "-n",
        PLATFORM,
        "--reuse-values",
        "--wait",
        "--wait-for-jobs",
        "--timeout",
        "5m",
    ]);
    let after = blinkchamber_tests::bao::Operator::login().request("GET", "secret/data/postgres", None).1;
    assert_eq!(before["data"], after["data"], "an upgrade never overwrites a secret");
    let ours = secrets();
    assert!(ours.iter().all(|name| name.starts_with("sh.helm.release")), "only helm's own records: {ours:?}");

    helm(&["uninstall", RELEASE, "-n", PLATFORM, "--wait", "--timeout", "3m"]);
    let selector = "app.kubernetes.io/part-of=blinkchamber-platform";
    let kinds = "pods,services,configmaps,deployments,statefulsets,jobs,serviceaccounts,roles,rolebindings,clusterroles,\
                 clusterrolebindings,mutatingwebhookconfigurations,networkpolicies,poddisruptionbudgets";
    wait::until("nothing of ours is left", Duration::from_secs(120), || {
        let left = kubectl(&["get", kinds, "-A", "-l", selector, "-o", "name"]);
        if left.trim().is_empty() { Ok(()) } else { Err(left) }
    });
    assert!(get(PLATFORM, "mutatingwebhookconfiguration", "blinkchamber-webhook").is_err());
    assert!(secrets().is_empty(), "and no record either: {:?}", secrets());
}

fn helm(arguments: &[&str]) {
    let output = Command::new("helm").args(arguments).output().expect("helm is on the PATH: run `make e2e`");
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Names of all Secrets of the cluster.
fn secrets() -> Vec<String> {
    let list: Value = serde_json::from_str(&kubectl(&["get", "secrets", "-A", "-o", "json"])).expect("JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)).collect()
}
