//! (a) The file is there, on tmpfs, with the right bytes, mode and owner, before the app starts, and the value nowhere else.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{Namespace, apply, kubectl};
use blinkchamber_tests::node;

use crate::pods::{APP_UID, container, inject, pod, uid};

const TEMPLATE: &str = r#"{{ with secret "secret/data/e2e/delivery" }}user={{ .Data.data.user }}
password={{ .Data.data.password }}
{{ end }}"#;

#[test]
fn a_pod_gets_its_file_on_tmpfs_and_the_value_is_nowhere_else() {
    let _guard = crate::peaceful();
    let namespace = Namespace::new("delivery");
    namespace.service_account("app");
    let operator = Operator::login();
    let password = format!("correct-horse-{}", fastrand::u64(..));
    operator.put("e2e/delivery", &serde_json::json!({"user": "app", "password": password}));
    let policy = "path \"secret/data/e2e/delivery\" { capabilities = [\"read\"] }";
    operator.grant("e2e-delivery", &namespace.name, "app", policy);

    let mut annotations = inject(
        "e2e-delivery",
        "secret/data/e2e/delivery",
        "vault.hashicorp.com/agent-inject-template-app.env",
        TEMPLATE,
    );
    annotations.push(("vault.hashicorp.com/agent-inject-perms-app.env", "0440"));
    let mut object = pod(&namespace.name, "app", "app", &annotations);
    // The app itself refuses to live without the file: had it started earlier, it would have restarted.
    object["spec"]["containers"] =
        serde_json::json!([container("app", "test -s /vault/secrets/app.env || exit 9; exec sleep 3600")]);
    apply(&object);
    let pod = namespace.ready_pod("app", Duration::from_secs(60));
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "the app started after its file");

    let app = node::process(uid(&pod), "sleep 3600");
    let file = app.path("/vault/secrets/app.env");
    let expected = format!("user=app\npassword={password}\n");
    assert_eq!(fs::read_to_string(&file).expect("the app can read it"), expected);
    let from_inside = namespace.exec("app", "app", &["cat", "/vault/secrets/app.env"]).expect("cat works in the app");
    assert_eq!(from_inside, expected);

    // Resolve inside the container: the visible name is a symlink into the current generation.
    let real = namespace.exec("app", "app", &["readlink", "-f", "/vault/secrets/app.env"]).expect("readlink");
    let metadata = fs::metadata(app.path(real.trim())).expect("the file behind the link");
    assert_eq!(metadata.mode() & 0o7777, 0o440, "mode as asked");
    assert_eq!(i64::from(metadata.gid()), APP_UID, "the pod's fsGroup owns it");

    let mounts = fs::read_to_string(format!("/proc/{}/mounts", app.pid)).expect("mounts of the app");
    let mount = mounts.lines().find(|line| line.contains(" /vault/secrets ")).expect("a mount of its own");
    assert!(mount.contains(" tmpfs "), "{mount}");
    assert!(mount.contains("noswap") && mount.contains("size="), "never swapped, bounded: {mount}");
    assert!(
        mount.split_whitespace().nth(3).is_some_and(|options| options.split(',').any(|one| one == "ro")),
        "{mount}"
    );

    for source in [
        kubectl(&["get", "pod", "-n", &namespace.name, "app", "-o", "yaml"]),
        kubectl(&["get", "events", "-n", &namespace.name, "-o", "yaml"]),
        kubectl(&["logs", "-n", &namespace.name, "app", "--all-containers"]),
        kubectl(&["get", "secrets,configmaps", "-A", "-o", "yaml"]),
    ] {
        assert!(!source.contains(&password), "the value leaked into: {source}");
    }
    let exposed: Vec<_> = node::exposing(&password).into_iter().map(|process| process.command).collect();
    assert!(exposed.is_empty(), "the value is in the environment or command line of {exposed:?}");
}
