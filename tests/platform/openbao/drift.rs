//! What is changed by hand where the platform owns it.

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{PLATFORM, deploy, holder, kubectl};
use blinkchamber_tests::wait;
use serde_json::json;

use super::members::{LIMIT, whole};

#[test]
fn what_drifts_is_put_right_and_told_and_nothing_else_is_touched() {
    whole();
    let operator = Operator::login();
    let policy = "sys/policies/acl/redis-policy";
    let role = "auth/kubernetes/role/redis-role";
    let read = |path: &str| operator.request("GET", path, None).1["data"].clone();
    let (policy_before, role_before) = (read(policy), read(role));
    assert!(policy_before["policy"].is_string() && role_before["audience"] == "vault", "{policy_before} {role_before}");

    // Somebody else's, and somebody's change of ours.
    operator.write("sys/policies/acl/theirs", &json!({"policy": "path \"x\" { capabilities = [\"read\"] }"}));
    let theirs =
        wait::until("every member knows it", LIMIT, || match read("sys/policies/acl/theirs")["policy"].clone() {
            policy if policy.is_string() => Ok(policy),
            _ => Err("not yet".to_owned()),
        });
    let ours = policy_before["policy"].as_str().expect("a text");
    operator.write(policy, &json!({"policy": format!("{ours}\npath \"*\" {{ capabilities = [\"read\"] }}\n")}));
    assert_eq!(operator.request("DELETE", role, None).0, 204);
    wait::until("both are as they were", LIMIT, || {
        // The server counts versions of a policy.
        if (read(policy)["policy"] == policy_before["policy"]) && (read(role) == role_before) {
            Ok(())
        } else {
            Err(read(policy).to_string())
        }
    });
    wait::until("it was told", LIMIT, || {
        let events = kubectl(&[
            "get",
            "events",
            "-n",
            PLATFORM,
            "--field-selector",
            "reason=DriftRepaired",
            "-o",
            "jsonpath={.items[*].message}",
        ]);
        if events.contains("redis-policy") { Ok(()) } else { Err(events) }
    });
    assert_eq!(read("sys/policies/acl/theirs")["policy"], theirs);
    assert_eq!(operator.request("DELETE", "sys/policies/acl/theirs", None).0, 204);
    let (ok, said) = deploy(&["diff"]);
    assert!(ok, "nothing differs: {said}");
}

#[test]
fn another_pod_takes_over_the_loop() {
    whole();
    let holder = || holder(PLATFORM, "blinkchamber-bootstrap");
    let before = holder();
    assert!(!before.is_empty());
    kubectl(&["delete", "pod", "-n", PLATFORM, &before, "--grace-period=0", "--force"]);
    wait::until("another holds the Lease", LIMIT, || match holder() {
        name if name == before || name.is_empty() => Err(name),
        _ => Ok(()),
    });
    kubectl(&["rollout", "status", "-n", PLATFORM, "deployment/blinkchamber-bootstrap", "--timeout=180s"]);
}
