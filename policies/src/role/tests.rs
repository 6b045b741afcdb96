use super::*;

fn role() -> Role {
    Role {
        auth_path: "auth/kubernetes".to_owned(),
        bound_service_account_names: BTreeSet::from(["app".to_owned()]),
        bound_service_account_namespaces: BTreeSet::from(["shop".to_owned()]),
        audience: String::new(),
        token_policies: BTreeSet::from(["app-policy".to_owned(), "b".to_owned()]),
        token_ttl: 3600,
        token_max_ttl: 86400,
    }
}

/// What OpenBao 2.7.2 gives back for a role: `audience` and the empty lists left out, and fields of its own.
fn read_back() -> Map<String, Value> {
    let Value::Object(map) = json!({
        "alias_name_source": "serviceaccount_uid",
        "bound_service_account_names": ["app"],
        "bound_service_account_namespace_selector": "",
        "bound_service_account_namespaces": ["shop"],
        "policies": ["old"],
        "token_bound_cidrs": [],
        "token_explicit_max_ttl": 0,
        "token_max_ttl": 86400,
        "token_no_default_policy": false,
        "token_num_uses": 0,
        "token_period": 0,
        "token_policies": ["b", "app-policy"],
        "token_strictly_bind_ip": false,
        "token_ttl": 3600,
        "token_type": "default",
    }) else {
        panic!("an object")
    };
    map
}

#[test]
fn what_was_written_reads_back_as_equal() {
    assert_eq!(role().changes(&read_back()), []);
}

#[test]
fn every_drift_is_named() {
    let mut server = read_back();
    server.insert("token_ttl".to_owned(), json!(7200));
    server.insert("token_bound_cidrs".to_owned(), json!(["10.0.0.0/8"]));
    server.insert("bound_service_account_namespace_selector".to_owned(), json!("{}"));
    let fields: Vec<_> = role().changes(&server).into_iter().map(|change| change.field).collect();
    assert_eq!(fields, ["bound_service_account_namespace_selector", "token_bound_cidrs", "token_ttl"]);
}

#[test]
fn policies_are_compared_as_the_server_stores_them() {
    let mut server = read_back();
    server.insert("token_policies".to_owned(), json!(["App-Policy"]));
    assert_eq!(policies_of(&server), BTreeSet::from(["app-policy".to_owned()]));
}

#[test]
fn a_file_with_a_slip_is_refused() {
    let mut file = serde_json::to_value(role()).unwrap();
    assert_eq!(serde_json::from_value::<Role>(file.clone()).unwrap(), role());
    file["token_tll"] = json!(1);
    assert!(serde_json::from_value::<Role>(file).unwrap_err().to_string().contains("token_tll"));
}

/// What OpenBao 2.7.2 gives back for roles that somebody wrote his own way: the same role is no change, and what we would
/// not have written is named.
#[test]
fn recorded_roles_read_back_as_what_they_are() {
    let mut equal = 0;
    for line in include_str!("../../tests/data/role-cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut written = Map::new();
        for write in case["writes"].as_array().unwrap() {
            written.extend(write.as_object().unwrap().clone());
        }
        let list = |key: &str| -> BTreeSet<String> {
            let text = |value: &Value| value.as_str().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
            match written.get(key) {
                Some(Value::Array(list)) => list.iter().flat_map(text).collect(),
                Some(value) => text(value).into_iter().collect(),
                None => BTreeSet::new(),
            }
        };
        let seconds = |key: &str| {
            let value = written.get(key).cloned().unwrap_or_default();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            crate::policy::seconds(&text).ok().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default()
        };
        let role = Role {
            auth_path: "auth/kubernetes".to_owned(),
            bound_service_account_names: list("bound_service_account_names"),
            bound_service_account_namespaces: list("bound_service_account_namespaces"),
            audience: written.get("audience").and_then(Value::as_str).unwrap_or_default().to_owned(),
            token_policies: list("token_policies"),
            token_ttl: seconds("token_ttl"),
            token_max_ttl: seconds("token_max_ttl"),
        };
        let changes: Vec<_> =
            role.changes(case["read"].as_object().unwrap()).into_iter().map(|one| one.field).collect();
        let expected: &[&str] = match case["id"].as_str().unwrap() {
            "K13" => &["token_type"],
            // It was written with the old names of the lives of tokens.
            "K23" => &["token_max_ttl", "token_ttl"],
            "K37" => &["bound_service_account_namespace_selector"],
            _ => &[],
        };
        assert_eq!(changes, expected, "{} {}", case["id"], case["note"]);
        equal += usize::from(changes.is_empty());
    }
    assert_eq!(equal, 9);
}
