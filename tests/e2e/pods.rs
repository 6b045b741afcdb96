//! Builders of the pods that the tests create.

use serde_json::{Value, json};

/// uid and gid of the application containers.
pub(crate) const APP_UID: i64 = 10001;

/// A pod under PodSecurity `restricted` with one busybox container `app` that sleeps; annotations are given without
/// prefix-less shortcuts, as a user writes them.
pub(crate) fn pod(namespace: &str, name: &str, account: &str, annotations: &[(&str, &str)]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}, "annotations": map(annotations)},
        "spec": spec(account, json!([container("app", "exec sleep 3600")])),
    })
}

/// A pod specification around containers.
pub(crate) fn spec(account: &str, containers: Value) -> Value {
    json!({
        "serviceAccountName": account,
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsUser": APP_UID, "runAsGroup": APP_UID, "fsGroup": APP_UID, "runAsNonRoot": true,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": containers,
    })
}

/// A busybox container that runs a script.
pub(crate) fn container(name: &str, script: &str) -> Value {
    json!({
        "name": name, "image": "localhost/busybox:dev", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
    })
}

/// Annotations as JSON.
pub(crate) fn map(annotations: &[(&str, &str)]) -> Value {
    annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

/// The three annotations of the simplest injected pod: role `role`, file `name`, and the template text.
pub(crate) fn inject<'a>(
    role: &'a str,
    secret: &'a str,
    template_key: &'a str,
    template: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("vault.hashicorp.com/agent-inject", "true"),
        ("vault.hashicorp.com/role", role),
        ("vault.hashicorp.com/agent-inject-secret-app.env", secret),
        (template_key, template),
    ]
}

/// uid of a pod, as it stands in the control groups of its processes.
pub(crate) fn uid(pod: &Value) -> &str {
    pod["metadata"]["uid"].as_str().expect("a pod has a uid")
}
