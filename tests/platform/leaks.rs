//! (a) Secrets are where they belong, and nowhere else: each generated value is looked for in everything that Kubernetes
//! keeps or shows.

use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{kubectl, try_kubectl};
use serde_json::Value;

/// Shorter values are names, addresses and numbers, not secrets.
const SHORTEST_SECRET: usize = 16;

#[test]
fn no_secret_is_in_etcd_objects_events_or_logs() {
    let secrets = secrets();
    assert!(secrets.len() >= 10, "the platform has generated its credentials: {} found", secrets.len());
    for (place, text) in [("an object", objects()), ("a log", logs())] {
        for (path, value) in &secrets {
            // Without the value itself: what a test prints is kept, too.
            assert!(!text.contains(value), "the value of {path} is in {place}");
        }
    }
    let held: Vec<&String> = secrets.iter().filter(|(_, value)| etcd_holds(value)).map(|(path, _)| path).collect();
    assert!(held.is_empty(), "etcd's files hold the values of {held:?}");
}

#[test]
fn a_search_of_etcd_would_find_them() {
    assert!(
        etcd_holds("blinkchamber-workloads"),
        "etcd's files are read as they are, or the test above could not fail"
    );
}

#[test]
fn there_is_no_kubernetes_secret() {
    let list: Value = serde_json::from_str(&kubectl(&["get", "secrets", "-A", "-o", "json"])).expect("JSON");
    let names: Vec<&str> =
        list["items"].as_array().into_iter().flatten().filter_map(|one| one["metadata"]["name"].as_str()).collect();
    assert!(names.is_empty(), "{names:?}");
}

/// Path and value of every secret of the engine `secret/`.
fn secrets() -> Vec<(String, String)> {
    let operator = Operator::login();
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let list = operator.request("LIST", &format!("secret/metadata/{folder}"), None).1;
        for name in list["data"]["keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let path = format!("{folder}{name}");
            if path.ends_with('/') {
                folders.push(path);
                continue;
            }
            let data = operator.request("GET", &format!("secret/data/{path}"), None).1;
            for (key, value) in data["data"]["data"].as_object().into_iter().flatten() {
                if let Some(value) = value.as_str().filter(|value| value.len() >= SHORTEST_SECRET) {
                    found.push((format!("secret/data/{path}, key {key}"), value.to_owned()));
                }
            }
        }
    }
    found
}

/// Everything of every kind that can be listed.
fn objects() -> String {
    let kinds = kubectl(&["api-resources", "--verbs", "list", "-o", "name"]);
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !kind.starts_with("componentstatuses")).collect();
    kubectl(&["get", &kinds.join(","), "-A", "-o", "json", "--ignore-not-found"])
}

/// The logs of every container, also of those that ended.
fn logs() -> String {
    let names = "{range .items[*]}{.metadata.namespace} {.metadata.name}{\"\\n\"}{end}";
    let mut all = String::new();
    for line in kubectl(&["get", "pods", "-A", "-o", &format!("jsonpath={names}")]).lines() {
        let Some((namespace, pod)) = line.split_once(' ') else { continue };
        for previous in ["--previous=false", "--previous=true"] {
            // A container that has not ended has no earlier log, and a pod may go between the list and here.
            all += &try_kubectl(&["logs", "-n", namespace, pod, "--all-containers", "--tail=-1", previous], "")
                .unwrap_or_default();
        }
    }
    assert!(all.len() > 1000, "logs can be read");
    all
}

/// Whether etcd's files, which `tests/platform.sh` names, hold this text. It is handed to grep on its standard input:
/// arguments can be read by everyone.
fn etcd_holds(text: &str) -> bool {
    let directory = env::var_os("BLINKCHAMBER_ETCD").expect("tests/platform.sh says where etcd's files are");
    let mut grep = Command::new("grep")
        .args(["--recursive", "--quiet", "--text", "--fixed-strings", "--file=-", "--"])
        .arg(directory)
        .stdin(Stdio::piped())
        .spawn()
        .expect("grep");
    // The longest line of a text of several: grep's patterns are lines.
    let line = text.lines().max_by_key(|line| line.len()).expect("a line");
    grep.stdin.take().expect("piped").write_all(line.as_bytes()).expect("grep takes the pattern");
    match grep.wait().expect("grep ends").code() {
        Some(0) => true,
        Some(1) => false,
        code => panic!("grep ended with {code:?}"),
    }
}
