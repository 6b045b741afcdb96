use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::*;

/// A server in memory: policies with versions, roles that merge as the real ones do.
#[derive(Default)]
struct Double {
    objects: RefCell<BTreeMap<String, Value>>,
    log: RefCell<Vec<String>>,
    /// Writes after which it refuses.
    writes_left: Cell<Option<usize>>,
}

impl Server for Double {
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, ServerError> {
        let mut objects = self.objects.borrow_mut();
        if matches!(method, Method::Delete | Method::Post) {
            if self.writes_left.get() == Some(0) {
                let reason = "status 503: sealed".to_owned();
                return Err(ServerError { method, path: path.to_owned(), status: Some(503), reason });
            }
            self.writes_left.set(self.writes_left.get().map(|left| left - 1));
            self.log.borrow_mut().push(format!("{} {path}", method.word()));
        }
        match method {
            Method::Get => Ok(objects.get(path).map(|object| json!({ "data": object }))),
            Method::Delete => Ok(objects.remove(path).map(|_| Value::Null)),
            Method::List => {
                let prefix = format!("{path}/");
                let keys: Vec<_> = objects.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
                Ok((!keys.is_empty()).then(|| json!({ "data": { "keys": keys } })))
            }
            Method::Post => {
                let mut body = body.unwrap().clone();
                let version = objects.get(path).map_or(0, |object| object["version"].as_i64().unwrap_or_default());
                if let Some(cas) = body.as_object_mut().unwrap().remove("cas") {
                    assert_eq!(cas, if version == 0 { json!(-1) } else { json!(version) }, "check and set of {path}");
                }
                if path.starts_with("sys/") {
                    body["version"] = json!(version + 1);
                }
                objects.insert(path.to_owned(), body);
                Ok(Some(Value::Null))
            }
        }
    }
}

fn role(policy: &str) -> Role {
    Role {
        auth_path: "auth/kubernetes".to_owned(),
        bound_service_account_names: BTreeSet::from(["app".to_owned()]),
        bound_service_account_namespaces: BTreeSet::from(["shop".to_owned()]),
        audience: String::new(),
        token_policies: BTreeSet::from([policy.to_owned()]),
        token_ttl: 3600,
        token_max_ttl: 86400,
    }
}

fn desired(names: &[&str]) -> Desired {
    let policy = |name: &&str| {
        let text = format!("path \"secret/data/{name}\" {{\n  capabilities = [\"read\"]\n}}\n");
        (format!("{name}-policy"), text)
    };
    Desired {
        owner: "shop".to_owned(),
        policies: names.iter().map(policy).collect(),
        roles: names.iter().map(|name| (format!("{name}-role"), role(&format!("{name}-policy")))).collect(),
    }
}

const PRUNE: ApplyOptions = ApplyOptions { adopt: false, prune: true };
const ADOPT: ApplyOptions = ApplyOptions { adopt: true, prune: false };

fn summary(diff: &Diff) -> Vec<String> {
    diff.changes.iter().map(|change| format!("{:?} {}", change.action, change.object)).collect()
}

#[test]
fn the_first_apply_creates_and_the_second_finds_nothing() {
    let server = Double::default();
    let first = apply(&server, &desired(&["a"]), ApplyOptions::default()).unwrap();
    assert_eq!(summary(&first), ["Create policy a-policy", "Create role auth/kubernetes/role/a-role"]);
    let text = server.objects.borrow()["sys/policies/acl/a-policy"]["policy"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("# managed by blinkchamber: shop\n# role: auth/kubernetes/role/a-role\n\npath "),
        "{text}"
    );
    let second = apply(&server, &desired(&["a"]), PRUNE).unwrap();
    assert!(second.is_empty());
    assert_eq!(second.unchanged, 2);
    assert_eq!(server.log.borrow().len(), 2);
}

#[test]
fn drift_is_shown_and_mended() {
    let server = Double::default();
    apply(&server, &desired(&["a"]), ApplyOptions::default()).unwrap();
    let path = "sys/policies/acl/a-policy";
    let text = server.objects.borrow()[path]["policy"].as_str().unwrap().replace("[\"read\"]", "[\"read\", \"list\"]");
    server.objects.borrow_mut().get_mut(path).unwrap()["policy"] = json!(text);
    server.objects.borrow_mut().get_mut("auth/kubernetes/role/a-role").unwrap()["token_ttl"] = json!(1);
    let shown = diff(&server, &desired(&["a"]), ApplyOptions::default()).unwrap().to_string();
    assert!(shown.contains("update policy a-policy\n    ~ \"secret/data/a\" [read, list] -> [read]\n"), "{shown}");
    assert!(shown.contains("update role auth/kubernetes/role/a-role\n    ~ token_ttl: 1 -> 3600\n"), "{shown}");
    assert!(shown.ends_with("0 to create, 2 to update, 0 to adopt, 0 to delete, 0 unchanged\n"), "{shown}");
    apply(&server, &desired(&["a"]), ApplyOptions::default()).unwrap();
    assert!(diff(&server, &desired(&["a"]), ApplyOptions::default()).unwrap().is_empty());
}

#[test]
fn foreign_objects_stop_everything_unless_adopted() {
    let server = Double::default();
    let theirs = json!({ "policy": "path \"x\" {}", "version": 4 });
    server.objects.borrow_mut().insert("sys/policies/acl/a-policy".to_owned(), theirs);
    server.objects.borrow_mut().insert("auth/kubernetes/role/b-role".to_owned(), role("x").body());
    let error = apply(&server, &desired(&["a", "b"]), ApplyOptions::default()).unwrap_err();
    let ApplyError::Foreign(foreign) = &error else { panic!("{error}") };
    assert_eq!(foreign, &["policy a-policy", "role auth/kubernetes/role/b-role"]);
    assert!(server.log.borrow().is_empty(), "nothing was written");
    let adopted = apply(&server, &desired(&["a", "b"]), ADOPT).unwrap();
    assert!(summary(&adopted).contains(&"Adopt policy a-policy".to_owned()));
    assert!(summary(&adopted).contains(&"Adopt role auth/kubernetes/role/b-role".to_owned()));
    assert!(diff(&server, &desired(&["a", "b"]), ApplyOptions::default()).unwrap().is_empty());
    let other = Desired { owner: "other".to_owned(), ..desired(&["a"]) };
    let error = apply(&server, &other, ApplyOptions::default()).unwrap_err().to_string();
    assert!(error.contains("policy a-policy (of shop) exists and is not ours"), "{error}");
}

#[test]
fn pruning_removes_what_is_ours_and_nothing_else() {
    let server = Double::default();
    apply(&server, &desired(&["a", "b", "c"]), ApplyOptions::default()).unwrap();
    let mut objects = server.objects.borrow_mut();
    objects.insert("sys/policies/acl/theirs".to_owned(), json!({ "policy": "path \"x\" {}", "version": 1 }));
    objects.insert("auth/kubernetes/role/debug".to_owned(), role("c-policy").body());
    drop(objects);
    let kept = diff(&server, &desired(&["a"]), ApplyOptions::default()).unwrap();
    assert!(kept.is_empty());
    assert_eq!(kept.kept.len(), 2);
    let pruned = apply(&server, &desired(&["a"]), PRUNE).unwrap();
    assert_eq!(
        summary(&pruned),
        [
            "Delete role auth/kubernetes/role/b-role",
            "Delete role auth/kubernetes/role/c-role",
            "Delete policy b-policy"
        ]
    );
    assert_eq!(pruned.kept, ["policy c-policy: role auth/kubernetes/role/debug still gives it"]);
    let left: Vec<_> = server.objects.borrow().keys().cloned().collect();
    assert!(
        left.contains(&"sys/policies/acl/theirs".to_owned()) && left.contains(&"auth/kubernetes/role/debug".to_owned())
    );
}

#[test]
fn a_role_that_somebody_widened_is_not_removed() {
    let server = Double::default();
    apply(&server, &desired(&["a", "b"]), ApplyOptions::default()).unwrap();
    let path = "auth/kubernetes/role/b-role";
    server.objects.borrow_mut().get_mut(path).unwrap()["token_policies"] = json!(["b-policy", "admin"]);
    let pruned = apply(&server, &desired(&["a"]), PRUNE).unwrap();
    assert!(pruned.is_empty());
    assert_eq!(pruned.kept[0], "role auth/kubernetes/role/b-role: somebody gave it admin");
}

#[test]
fn wherever_it_breaks_off_the_next_apply_ends_the_work() {
    for writes in 0..6 {
        let server = Double::default();
        apply(&server, &desired(&["old"]), ApplyOptions::default()).unwrap();
        server.writes_left.set(Some(writes));
        let error = apply(&server, &desired(&["a", "b"]), PRUNE).unwrap_err();
        assert!(matches!(error, ApplyError::Server { done, .. } if done == writes), "{error}");
        server.writes_left.set(None);
        apply(&server, &desired(&["a", "b"]), PRUNE).unwrap();
        let left: Vec<_> = server.objects.borrow().keys().cloned().collect();
        assert_eq!(
            left,
            [
                "auth/kubernetes/role/a-role",
                "auth/kubernetes/role/b-role",
                "sys/policies/acl/a-policy",
                "sys/policies/acl/b-policy"
            ],
            "after {writes} writes"
        );
    }
}

#[test]
fn what_cannot_be_is_refused_before_the_server_is_asked() {
    let server = Double::default();
    let refused = |desired: &Desired| apply(&server, desired, ApplyOptions::default()).unwrap_err().to_string();
    assert!(refused(&Desired { owner: "a\nb".to_owned(), ..desired(&[]) }).contains("owner"));
    let mut root = desired(&["a"]);
    root.policies.insert("root".to_owned(), "path \"a\" {}".to_owned());
    assert!(refused(&root).contains("the server's own"));
    let mut upper = desired(&["a"]);
    upper.roles.insert("App".to_owned(), role("a-policy"));
    assert!(refused(&upper).contains("lower-case"));
    let mut broken = desired(&["a"]);
    broken.policies.insert("b".to_owned(), "\npath {".to_owned());
    assert!(refused(&broken).contains("policy b, line 2"));
    let mut loose = desired(&["a"]);
    loose.roles.insert("b".to_owned(), role("nobody"));
    assert!(refused(&loose).contains("gives policy nobody"));
}

#[test]
fn what_may_pass_by_itself_is_transient() {
    let failed = |status, reason: &str| ServerError {
        method: Method::Get,
        path: "p".to_owned(),
        status,
        reason: reason.to_owned(),
    };
    for passing in [307, 412, 429, 472, 473, 500, 502, 503] {
        assert!(failed(Some(passing), "").is_transient(), "{passing}");
    }
    assert!(failed(None, "refused").is_transient());
    assert!(failed(Some(400), "Upgrading from non-versioned to versioned data.").is_transient());
    for lasting in [400, 403, 404, 405] {
        assert!(!failed(Some(lasting), "no").is_transient(), "{lasting}");
    }
}
