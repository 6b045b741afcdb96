//! (b) A changed static secret arrives by itself, at once when asked, and never half.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply};
use blinkchamber_tests::{node, wait};
use serde_json::json;

use crate::pods::{container, map, pod, uid};

const ROTATIONS: usize = 20;
const READS: usize = 10_000;

/// Two files of one secret: they must always belong to the same version.
const ANNOTATIONS: [(&str, &str); 7] = [
    ("vault.hashicorp.com/agent-inject", "true"),
    ("vault.hashicorp.com/role", "e2e-rotation"),
    (
        "vault.hashicorp.com/agent-inject-template-left",
        r#"{{ with secret "secret/data/e2e/rotation" }}{{ .Data.data.value }}:{{ .Data.data.value }}{{ end }}"#,
    ),
    (
        "vault.hashicorp.com/agent-inject-template-right",
        r#"{{ with secret "secret/data/e2e/rotation" }}{{ .Data.data.value }}:{{ .Data.data.value }}{{ end }}"#,
    ),
    ("blinkchamber.io/agent-reload-left", "signal:HUP:sh"),
    ("vault.hashicorp.com/agent-inject-perms-left", "0440"),
    ("vault.hashicorp.com/agent-inject-perms-right", "0440"),
];

/// Counts the signals it gets in a file that the test reads.
const APP: &str = r#"n=0; echo 0 > /tmp/signals; trap 'n=$((n+1)); echo $n > /tmp/signals' HUP; while true; do sleep 3600 & wait $!; done"#;

#[test]
fn a_new_version_reaches_the_process_whole() {
    let _guard = crate::peaceful();
    let namespace = Namespace::new("rotation");
    namespace.service_account("app");
    let operator = Operator::login();
    operator.put("e2e/rotation", &json!({"value": "v0"}));
    operator.grant(
        "e2e-rotation",
        &namespace.name,
        "app",
        "path \"secret/data/e2e/rotation\" { capabilities = [\"read\"] }",
    );
    let mut object = pod(&namespace.name, "app", "app", &[]);
    object["metadata"]["annotations"] = map(&ANNOTATIONS);
    object["spec"]["containers"] = json!([container("app", APP)]);
    object["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "tmp", "mountPath": "/tmp"}]);
    object["spec"]["volumes"] = json!([{"name": "tmp", "emptyDir": {}}]);
    apply(&object);
    let pod = namespace.ready_pod("app", Duration::from_secs(60));
    let app = node::process(uid(&pod), "trap");
    let secrets = app.path("/vault/secrets");
    let signals = app.path("/tmp/signals");
    let count = || fs::read_to_string(&signals).ok().and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(0);
    assert_eq!(fs::read_to_string(secrets.join("left")).expect("the first version"), "v0:v0");
    assert_eq!(count(), 0, "the first rendering is not a rotation");

    // Unasked, within 45 s (the interval is 30 s).
    operator.put("e2e/rotation", &json!({"value": "v1"}));
    wait::until_true("the new version arrives by itself", Duration::from_secs(45), || {
        fs::read_to_string(secrets.join("left")).is_ok_and(|text| text == "v1:v1")
    });
    wait::until_true("the app was told", Duration::from_secs(5), || count() == 1);

    // Asked, within 2 s each, under a reader that never rests.
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) || reads.load(Ordering::Relaxed) < READS {
                check_once(&secrets);
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        for version in 2..ROTATIONS + 2 {
            let value = format!("v{version}");
            operator.put("e2e/rotation", &json!({"value": value}));
            let start = Instant::now();
            namespace
                .exec("app", "vault-agent", &["/blinkchamber-agent", "refresh"])
                .expect("the agent takes the request");
            let expected = format!("{value}:{value}");
            wait::until_true("the file is new", Duration::from_secs(2), || {
                fs::read_to_string(secrets.join("right")).is_ok_and(|text| text == expected)
            });
            assert!(start.elapsed() < Duration::from_secs(10), "bounded even on a busy machine");
        }
        stop.store(true, Ordering::Relaxed);
        reader.join().expect("the reader never saw a missing, empty or mixed file");
    });
    assert!(reads.load(Ordering::Relaxed) >= READS);
    wait::until_true("the app was told of the last one", Duration::from_secs(5), || count() >= 2);
    assert!(count() <= ROTATIONS + 1, "never more often than the bytes changed: {}", count());
}

/// One look: both files through one generation, each whole, both of one version.
fn check_once(secrets: &Path) {
    let generation = fs::read_link(secrets.join("..data")).expect("there is always a current generation");
    let read = |name: &str| {
        // The generation may be two swaps old by now; the name that the app uses must always work.
        fs::read_to_string(secrets.join(&generation).join(name)).or_else(|_| fs::read_to_string(secrets.join(name)))
    };
    let current = fs::read_to_string(secrets.join("left")).expect("never missing");
    let (first, second) = current.split_once(':').expect("never empty");
    assert_eq!(first, second, "never mixed");
    let (left, right) = (read("left").expect("left"), read("right").expect("right"));
    if fs::read_link(secrets.join("..data")).is_ok_and(|now| now == generation) {
        assert_eq!(left, right, "one generation");
    }
}
