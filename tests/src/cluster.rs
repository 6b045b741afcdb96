//! kubectl as a library: apply, get, wait, and namespaces that clean up after themselves.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::wait;

/// Namespace of OpenBao and the webhook.
pub const PLATFORM: &str = "blinkchamber";

/// Runs kubectl and gives its standard output.
///
/// # Panics
/// When kubectl fails, with what it said.
#[track_caller]
pub fn kubectl(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs kubectl and gives what it printed, or what it complained of.
///
/// # Errors
/// kubectl's standard error, when it exits with anything but 0.
pub fn try_kubectl(arguments: &[&str], stdin: &str) -> Result<String, String> {
    let output = run(arguments, stdin);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl is on the PATH: run the tests with `make e2e`");
    child.stdin.take().expect("piped").write_all(stdin.as_bytes()).ok();
    child.wait_with_output().expect("kubectl ends")
}

/// `kubectl apply` of one object.
#[track_caller]
pub fn apply(object: &Value) {
    try_kubectl(&["apply", "-f", "-"], &object.to_string()).unwrap_or_else(|error| panic!("apply {object}: {error}"));
}

/// One object as JSON.
///
/// # Errors
/// What kubectl said.
pub fn get(namespace: &str, kind: &str, name: &str) -> Result<Value, String> {
    let text = try_kubectl(&["get", "-n", namespace, kind, name, "-o", "json"], "")?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// All objects of a kind, or those with a label.
#[track_caller]
pub fn list(namespace: &str, kind: &str, selector: &str) -> Vec<Value> {
    let text = kubectl(&["get", "-n", namespace, kind, "-l", selector, "-o", "json"]);
    let list: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    list["items"].as_array().cloned().unwrap_or_default()
}

/// A namespace for one test, under PodSecurity `restricted`; deleted when dropped, unless the test panics: then its
/// objects stay to be looked at, and `make demo-down` or the next `up` removes them with the cluster.
pub struct Namespace {
    /// Its name.
    pub name: String,
}

impl Namespace {
    /// Makes `e2e-<prefix>-<n>`.
    #[track_caller]
    pub fn new(prefix: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("e2e-{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        apply(&json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {
                "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}}
        }));
        let namespace = Self { name };
        wait::until("the default service account", Duration::from_secs(20), || {
            get(&namespace.name, "serviceaccount", "default")
        });
        namespace
    }

    /// Makes a service account.
    #[track_caller]
    pub fn service_account(&self, name: &str) {
        apply(
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": self.name}}),
        );
    }

    /// Waits until a pod's containers are all ready, and gives the pod.
    #[track_caller]
    pub fn ready_pod(&self, name: &str, limit: Duration) -> Value {
        wait::until(&format!("pod {name} is Ready"), limit, || {
            let pod = get(&self.name, "pod", name)?;
            if is_ready(&pod) { Ok(pod) } else { Err(pod["status"].to_string()) }
        })
    }

    /// Runs a command in a container.
    ///
    /// # Errors
    /// What the command or kubectl wrote to standard error.
    pub fn exec(&self, pod: &str, container: &str, command: &[&str]) -> Result<String, String> {
        let mut arguments = vec!["exec", "-n", &self.name, pod, "-c", container, "--"];
        arguments.extend(command);
        try_kubectl(&arguments, "")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            run(&["delete", "namespace", &self.name, "--wait=false"], "");
        }
    }
}

/// The uid of a pod, by which its processes are found.
#[track_caller]
pub fn uid(namespace: &str, pod: &str) -> String {
    let object = get(namespace, "pod", pod).unwrap_or_else(|error| panic!("pod {pod}: {error}"));
    object["metadata"]["uid"].as_str().expect("a pod has a uid").to_owned()
}

/// Who holds a Lease.
#[track_caller]
pub fn holder(namespace: &str, lease: &str) -> String {
    kubectl(&["get", "lease", "-n", namespace, lease, "-o", "jsonpath={.spec.holderIdentity}"])
}

/// Runs `deploy-umbrella.sh`; whether it went well, and all that it said.
#[must_use]
pub fn deploy(arguments: &[&str]) -> (bool, String) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new(format!("{root}/deploy-umbrella.sh"))
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("deploy-umbrella.sh starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.concat())
}

/// Whether the pod's condition `Ready` is true.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
}

/// The cluster address of a service.
#[track_caller]
pub fn service_address(namespace: &str, name: &str) -> String {
    let service = get(namespace, "service", name).unwrap_or_else(|error| panic!("service {name}: {error}"));
    service["spec"]["clusterIP"].as_str().expect("a service has an address").to_owned()
}
