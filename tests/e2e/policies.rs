//! (h) A compiled policy is exactly sufficient: what it grants works, the next sibling is denied by the real server.

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{get, kubectl};
use serde_json::{Value, json};

/// Role, namespace and account of every workload of the chart whose policy the compiler wrote.
const ACCOUNTS: [(&str, &str, &str); 4] = [
    ("postgres-role", "database", "postgresql-ha"),
    ("redis-role", "database", "redis"),
    ("demo-client-role", "database", "demo-client"),
    ("redis-client-role", "database", "redis-client"),
];

#[test]
fn each_compiled_policy_allows_its_paths_and_not_their_siblings() {
    let _guard = crate::peaceful();
    let operator = Operator::login();
    for (role, namespace, account) in ACCOUNTS {
        let policy = role.replace("-role", "-policy");
        let (status, answer) = operator.request("GET", &format!("sys/policies/acl/{policy}"), None);
        assert_eq!(status, 200, "{policy} is on the server: {answer}");
        let text = answer["data"]["policy"].as_str().expect("a policy is text");
        let paths = granted(text);
        assert!(!paths.is_empty(), "{policy} grants something: {text}");
        let pod = Operator::login_as(namespace, account, role);
        for path in &paths {
            assert_ne!(capabilities(&pod, path), json!(["deny"]), "{policy} grants {path}");
            for sibling in [format!("{path}x"), format!("{path}/x"), format!("{}/zz", parent(path))] {
                if !paths.contains(&sibling) {
                    assert_eq!(capabilities(&pod, &sibling), json!(["deny"]), "{policy} must not reach {sibling}");
                }
            }
        }
    }
}

#[test]
fn another_account_cannot_take_the_role() {
    let _guard = crate::peaceful();
    get("database", "serviceaccount", "redis").expect("the demo is installed");
    let jwt = kubectl(&["create", "token", "-n", "database", "redis", "--audience", "vault"]);
    let (status, answer) = Operator::login().request(
        "POST",
        "auth/kubernetes/login",
        Some(&json!({"role": "postgres-role", "jwt": jwt.trim()})),
    );
    assert_eq!(status, 403, "{answer}");
}

/// Paths of `path "..." {` lines.
fn granted(policy: &str) -> Vec<String> {
    let lines = policy.lines().filter_map(|line| line.trim_start().strip_prefix("path \""));
    lines.filter_map(|line| line.split('"').next()).map(str::to_owned).collect()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(parent, _)| parent)
}

fn capabilities(session: &Operator, path: &str) -> Value {
    let (status, answer) = session.request("POST", "sys/capabilities-self", Some(&json!({"paths": [path]})));
    assert_eq!(status, 200, "{answer}");
    answer["data"][path].clone()
}
