//! (d) Every kind of workload, and every odd but valid shape of a pod.

use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply, get, kubectl, list};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use crate::pods::{container, inject, map, pod, spec};

const SHOW: &str = "cat /vault/secrets/app.env";

struct Fixture {
    namespace: Namespace,
    annotations: Vec<(&'static str, &'static str)>,
}

/// A namespace whose account `app` may read one secret with the value `v`.
fn fixture(prefix: &str, role: &'static str) -> Fixture {
    let namespace = Namespace::new(prefix);
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("e2e/workloads", &json!({"value": "v"}));
    operator.grant(role, &namespace.name, "app", "path \"secret/data/e2e/workloads\" { capabilities = [\"read\"] }");
    let annotations = inject(
        role,
        "secret/data/e2e/workloads",
        "vault.hashicorp.com/agent-inject-template-app.env",
        r#"{{ with secret "secret/data/e2e/workloads" }}{{ .Data.data.value }}{{ end }}"#,
    );
    Fixture { namespace, annotations }
}

impl Fixture {
    fn workload(&self, api: &str, kind: &str, name: &str, rest: Value, pod_spec: Value) -> Value {
        let mut object = json!({
            "apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": self.namespace.name},
            "spec": {"template": {"metadata": {"labels": {"app": name}, "annotations": map(&self.annotations)}, "spec": pod_spec}},
        });
        for (key, value) in rest.as_object().into_iter().flatten() {
            object["spec"][key] = value.clone();
        }
        object
    }
}

#[test]
fn a_job_with_an_agent_completes() {
    let _guard = crate::peaceful();
    let fixture = fixture("job", "e2e-job");
    let mut pod_spec = spec("app", json!([container("app", SHOW)]));
    pod_spec["restartPolicy"] = json!("Never");
    apply(&fixture.workload("batch/v1", "Job", "once", json!({"backoffLimit": 0}), pod_spec));
    wait::until("the job is complete", Duration::from_secs(60), || {
        let job = get(&fixture.namespace.name, "job", "once")?;
        if job["status"]["succeeded"] == 1 { Ok(()) } else { Err(job["status"].to_string()) }
    });
    assert_eq!(kubectl(&["logs", "-n", &fixture.namespace.name, "job/once", "-c", "app"]), "v");
}

#[test]
fn a_deployment_rolls_out_and_a_statefulset_starts() {
    let _guard = crate::peaceful();
    let fixture = fixture("rollout", "e2e-rollout");
    let containers = json!([container("app", "exec sleep 3600")]);
    let selector = |name: &str| json!({"selector": {"matchLabels": {"app": name}}, "replicas": 2});
    let mut stateful = selector("ordered");
    stateful["serviceName"] = json!("ordered");
    apply(&fixture.workload("apps/v1", "Deployment", "web", selector("web"), spec("app", containers.clone())));
    apply(&fixture.workload("apps/v1", "StatefulSet", "ordered", stateful, spec("app", containers)));
    let namespace = fixture.namespace.name.as_str();
    kubectl(&["rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s"]);
    kubectl(&["rollout", "status", "-n", namespace, "statefulset/ordered", "--timeout=90s"]);
    kubectl(&["rollout", "restart", "-n", namespace, "deployment/web"]);
    kubectl(&["rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s"]);
    for selector in ["app=web", "app=ordered"] {
        let pods = list(namespace, "pods", selector);
        let alive = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        for pod in alive {
            let name = pod["metadata"]["name"].as_str().expect("a name");
            assert_eq!(fixture.namespace.exec(name, "app", &["cat", "/vault/secrets/app.env"]).as_deref(), Ok("v"));
        }
    }
}

#[test]
fn existing_init_containers_stay_and_only_the_chosen_container_gets_the_files() {
    let _guard = crate::peaceful();
    let fixture = fixture("shapes", "e2e-shapes");
    let mut annotations = fixture.annotations.clone();
    annotations.push(("vault.hashicorp.com/agent-inject-containers", "two"));
    let mut object = pod(&fixture.namespace.name, "three", "app", &annotations);
    object["spec"]["initContainers"] = json!([container("before", "true")]);
    object["spec"]["containers"] = json!([
        container("one", "exec sleep 3600"),
        container("two", "exec sleep 3600"),
        container("three", "exec sleep 3600")
    ]);
    assert!(object["spec"]["volumes"].is_null(), "the pod brings no volume of its own");
    assert_eq!(object["spec"]["automountServiceAccountToken"], false);
    apply(&object);
    let pod = fixture.namespace.ready_pod("three", Duration::from_secs(60));
    let inits: Vec<_> =
        pod["spec"]["initContainers"].as_array().expect("init containers").iter().map(|c| &c["name"]).collect();
    assert_eq!(inits, ["before", "vault-agent"]);
    let read = |container| fixture.namespace.exec("three", container, &["cat", "/vault/secrets/app.env"]);
    assert_eq!(read("two").as_deref(), Ok("v"));
    assert!(read("one").is_err_and(|error| error.contains("No such file")));
    assert!(read("three").is_err_and(|error| error.contains("No such file")));
    let token = ["ls", "/var/run/secrets/kubernetes.io/serviceaccount"];
    assert!(
        fixture.namespace.exec("three", "two", &token).is_err(),
        "no token was mounted that the pod did not ask for"
    );
}

#[test]
fn a_misspelt_annotation_is_a_warning_and_a_bad_value_a_refusal() {
    let _guard = crate::peaceful();
    let fixture = fixture("typos", "e2e-typos");
    let mut annotations = fixture.annotations.clone();
    annotations.push(("vault.hashicorp.com/agent-inject-perm-app.env", "0400"));
    let object = pod(&fixture.namespace.name, "typo", "app", &annotations);
    let output = std::process::Command::new("kubectl")
        .args(["create", "--dry-run=server", "-f", "-"])
        .stdin(pipe(&object))
        .output()
        .expect("kubectl runs");
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(warnings.contains("agent-inject-perms-"), "the nearest known name is shown: {warnings}");

    annotations.push(("vault.hashicorp.com/agent-pre-populate", "yes please"));
    let object = pod(&fixture.namespace.name, "bad", "app", &annotations).to_string();
    let refusal = blinkchamber_tests::cluster::try_kubectl(&["create", "-f", "-"], &object).expect_err("refused");
    for part in ["agent-pre-populate", "yes please", "true"] {
        assert!(refusal.contains(part), "{part} is named: {refusal}");
    }
}

fn pipe(object: &Value) -> std::process::Stdio {
    use std::io::{Seek as _, Write as _};
    let path = std::env::temp_dir().join(format!("pod-{}.json", fastrand::u64(..)));
    let mut file =
        std::fs::File::options().read(true).write(true).create_new(true).open(&path).expect("a scratch file");
    std::fs::remove_file(&path).expect("unlinked at once");
    file.write_all(object.to_string().as_bytes()).expect("written");
    file.rewind().expect("rewound");
    file.into()
}
