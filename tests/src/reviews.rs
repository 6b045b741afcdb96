//! Reproducible random admission reviews: pods with odd shapes, odd values and odd order, from one seed.

use fastrand::Rng;
use serde_json::{Map, Value, json};

const NAMES: [&str; 8] = ["app", "web-1", "vault-agent", "vault-secrets", "größe", "a/b~c", "", "x\u{0}y"];
const SUFFIXES: [&str; 14] = [
    "agent-inject",
    "role",
    "agent-inject-secret-db",
    "agent-inject-template-db",
    "agent-inject-perms-db",
    "agent-inject-containers",
    "agent-init-first",
    "agent-pre-populate",
    "agent-run-as-user",
    "secret-volume-path-db",
    "agent-inject-file-db",
    "agent-share-process-namespace",
    "agent-inject-secret-",
    "agent-inject-templat-db",
];
const VALUES: [&str; 12] = [
    "true",
    "false",
    "yes",
    "",
    "app",
    "secret/data/app",
    "{{ with secret \"a\" }}x{{ end }}",
    "{{",
    "0400",
    "9999999999999999999",
    "../../etc",
    "\u{1F512}\n\t",
];

/// A review whose pod is a bent version of a valid one. The same seed gives the same review.
pub fn review(seed: u64) -> Value {
    let mut rng = Rng::with_seed(seed);
    let mut pod = valid_pod(&mut rng);
    for _ in 0..rng.usize(0..4) {
        bend(&mut pod, &mut rng, 0);
    }
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": format!("uid-{seed}"), "operation": "CREATE", "namespace": "default",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "object": pod,
        },
    })
}

fn valid_pod(rng: &mut Rng) -> Value {
    let mut annotations = Map::new();
    annotations.insert("vault.hashicorp.com/agent-inject".into(), json!("true"));
    annotations.insert("vault.hashicorp.com/role".into(), json!("app"));
    annotations.insert("vault.hashicorp.com/agent-inject-secret-db".into(), json!("secret/data/app"));
    for _ in 0..rng.usize(0..3) {
        let prefix = pick(rng, &["vault.hashicorp.com", "openbao.org", "blinkchamber.io"]);
        let key = format!("{prefix}/{}", pick(rng, &SUFFIXES));
        annotations.insert(key, json!(pick(rng, &VALUES)));
    }
    let containers: Vec<_> = (0..rng.usize(1..5)).map(|n| container(rng, n)).collect();
    let mut spec = Map::new();
    spec.insert("containers".into(), json!(containers));
    if rng.bool() {
        spec.insert("initContainers".into(), json!([container(rng, 9)]));
    }
    if rng.bool() {
        spec.insert("volumes".into(), json!([{"name": pick(rng, &NAMES), "emptyDir": {}}]));
    }
    if rng.bool() {
        spec.insert(
            "schedulingGates".into(),
            json!([{"name": "example.com/other"}, {"name": "blinkchamber.io/injection"}]),
        );
    }
    if rng.u8(0..40) == 0 {
        spec.insert("huge".into(), json!("x".repeat(rng.usize(0..200_000))));
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": annotations}, "spec": spec})
}

fn container(rng: &mut Rng, n: usize) -> Value {
    let mut container = json!({"name": format!("c{n}"), "image": "i"});
    if rng.bool() {
        container["volumeMounts"] =
            json!([{"name": "data", "mountPath": pick(rng, &["/data", "/vault/secrets", "/"])}]);
    }
    if rng.bool() {
        container["securityContext"] = json!({"runAsUser": rng.i64(-1..70_000), "unknownField": {"a": [1, null]}});
    }
    container
}

/// Replaces, removes or adds something at a random place, and changes the order of an object's members.
fn bend(value: &mut Value, rng: &mut Rng, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() && depth < 6 => {
            let keys: Vec<_> = map.keys().cloned().collect();
            let key = keys.get(rng.usize(0..keys.len())).cloned().unwrap_or_default();
            match rng.u8(0..8) {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(key, odd(rng))),
                2 => drop(map.insert(format!("new-{}", pick(rng, &NAMES)), odd(rng))),
                _ => {
                    if let Some(child) = map.get_mut(&key) {
                        bend(child, rng, depth + 1);
                    }
                }
            }
        }
        Value::Array(list) if !list.is_empty() && depth < 6 => {
            let place = rng.usize(0..list.len());
            match rng.u8(0..5) {
                0 => list.push(odd(rng)),
                1 => drop(list.remove(place)),
                _ => {
                    if let Some(child) = list.get_mut(place) {
                        bend(child, rng, depth + 1);
                    }
                }
            }
        }
        other => *other = odd(rng),
    }
}

fn odd(rng: &mut Rng) -> Value {
    match rng.u8(0..8) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(rng.i64(..)),
        4 => json!(true),
        5 => json!([null, {"name": null}]),
        6 => json!({"a": {"b": {"c": [[[[1]]]]}}}),
        _ => json!(pick(rng, &VALUES)),
    }
}

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(0..choices.len())]
}
