//! From `create` to Ready of a pod with an injected agent, on the node, with the platform installed.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply, is_ready};
use serde_json::{Deserializer, Value, json};

use crate::machine::median;
use crate::table::{Peer, Table};

const RUNS: usize = 7;
const LIMIT: Duration = Duration::from_secs(60);

/// Adds the pod's row.
pub(crate) fn measure(table: &mut Table) {
    let namespace = Namespace::new("bench");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("bench", &json!({"value": "v"}));
    operator.grant("bench", &namespace.name, "app", "path \"secret/data/bench\" { capabilities = [\"read\"] }");
    let watch = Watch::begin(&namespace.name);
    let runs: Vec<[f64; 3]> = (0..RUNS)
        .map(|run| {
            let name = format!("app-{run}");
            apply(&pod(&namespace.name, &name));
            watch.pod(&name)
        })
        .collect();
    let [running, started, ready] = [0, 1, 2].map(|at| median(runs.iter().map(|times| times[at]).collect()));
    table.less("pod with an injected agent: create to Ready", "s", Peer::Recorded(3.7), ready);
    table.note(format!(
        "The pod as a watcher of the API server sees it, from the moment it exists: its agent runs after {running:.2} s, \
         has every file in place after {started:.2} s, and the pod is Ready after {ready:.2} s. The kubelet looks at \
         containers and asks probes once a second."
    ));
}

/// What happens to the pods of a namespace, and when. Asking again and again would add the time of the asking.
struct Watch {
    kubectl: Child,
    changes: Receiver<(Instant, Value)>,
}

impl Watch {
    fn begin(namespace: &str) -> Self {
        let mut kubectl = Command::new("kubectl")
            .args(["get", "pods", "-n", namespace, "--watch", "-o", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kubectl is on the PATH");
        let output = kubectl.stdout.take().expect("piped");
        let (send, changes) = channel();
        std::thread::spawn(move || {
            for pod in Deserializer::from_reader(output).into_iter::<Value>().map_while(Result::ok) {
                if send.send((Instant::now(), pod)).is_err() {
                    break;
                }
            }
        });
        Self { kubectl, changes }
    }

    /// Seconds from a pod's first appearance until its agent runs, its agent has started, and it is Ready.
    fn pod(&self, name: &str) -> [f64; 3] {
        let mut created = None;
        let mut seen = [None; 3];
        while seen[2].is_none() {
            let (at, pod) = self.changes.recv_timeout(LIMIT).expect("the pod becomes Ready");
            if pod["metadata"]["name"] != name {
                continue;
            }
            let agent = &pod["status"]["initContainerStatuses"][0];
            let reached = [agent["state"]["running"].is_object(), agent["started"] == true, is_ready(&pod)];
            let since = at.duration_since(*created.get_or_insert(at)).as_secs_f64();
            for (seen, reached) in seen.iter_mut().zip(reached) {
                *seen = seen.or(reached.then_some(since));
            }
        }
        seen.map(|seconds| seconds.expect("a pod that is Ready has come all the way"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.kubectl.kill().ok();
        self.kubectl.wait().ok();
    }
}

fn pod(namespace: &str, name: &str) -> Value {
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
