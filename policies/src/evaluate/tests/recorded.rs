//! Answers of OpenBao 2.7.2, and of Vault as far as its source tells them.

use super::*;

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn words(value: &Value) -> Vec<&str> {
    let mut words: Vec<_> = value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    words.sort_unstable();
    words
}

/// The policies of a case; one without a text is the server's own, or is not there and gives nothing.
fn policies(case: &Value, only: Option<&str>) -> Vec<Policy> {
    let mut policies = Vec::new();
    for policy in case["policies"].as_array().unwrap() {
        let name = policy["name"].as_str().unwrap();
        if only.is_some_and(|only| name != only && !name.starts_with(&format!("{only} "))) {
            continue;
        }
        match policy["hcl"].as_str() {
            Some(text) => policies.push(parse(text, NOW).unwrap()),
            None if name == "default" => policies.push(default_policy(Dialect::OpenBao)),
            None => {}
        }
    }
    policies
}

fn compiled(dialect: Dialect, policies: &[Policy]) -> Acl {
    let sources: Vec<_> = policies.iter().map(|policy| Source::new("p", policy)).collect();
    Acl::new(Context { dialect, now: NOW, ..Context::default() }, &sources).unwrap()
}

#[test]
fn capabilities() {
    let mut checks = 0;
    for case in lines(include_str!("../../../tests/data/capability-cases.jsonl")) {
        let policies = policies(&case, None);
        let (openbao, vault) = (compiled(Dialect::OpenBao, &policies), compiled(Dialect::Vault, &policies));
        for (path, expected) in case["expect"].as_object().unwrap() {
            assert_eq!(openbao.capabilities(path), words(expected), "{} {path}", case["id"]);
            let other = &case["expect_vault_from_source"]["vault-legacy"][path];
            let expected = if other.is_null() { expected } else { other };
            assert_eq!(vault.capabilities(path), words(expected), "{} {path}, Vault", case["id"]);
            checks += 1;
        }
    }
    assert!(checks > 100, "{checks}");
}

/// The rules of public policies, and what the server answers for paths near them.
#[test]
fn public_policies() {
    let mut checks = 0;
    for case in lines(include_str!("../../../tests/data/public-rules.jsonl")) {
        let block = |rule: &Value| format!("path {} {{ capabilities = {} }}\n", rule[0], rule[1]);
        let text: String = case["rules"].as_array().unwrap().iter().map(block).collect();
        let acl = acl(&[&text]);
        for (path, expected) in case["expect"].as_object().unwrap() {
            assert_eq!(acl.capabilities(path), words(expected), "{text}{path}");
            checks += 1;
        }
    }
    assert!(checks > 1000, "{checks}");
}

#[test]
fn requests() {
    let mut checks = 0;
    for case in lines(include_str!("../../../tests/data/request-cases.jsonl")) {
        for given in case["requests"].as_array().unwrap() {
            let policies = policies(&case, given["token"].as_str());
            let acl = compiled(Dialect::OpenBao, &policies);
            let mut request = Request::new(operation(given["op"].as_str().unwrap()), given["path"].as_str().unwrap());
            if given["data"].is_object() {
                request = request.data(given["data"].clone()).unwrap();
            }
            if let Some(ttl) = given["wrap_ttl"].as_str() {
                request = request.wrap_ttl(ttl).unwrap();
            }
            let decision = acl.decide(&request);
            assert_eq!(decision.allowed, given["allowed"], "{} {given}: {}", case["id"], decision.reason);
            checks += 1;
        }
    }
    assert!(checks > 60, "{checks}");
}

#[test]
fn templates() {
    let mut refused = 0;
    for case in lines(include_str!("../../../tests/data/template-cases.jsonl")) {
        let known = &case["identity"];
        let map = |value: &Value| -> BTreeMap<String, String> { serde_json::from_value(value.clone()).unwrap() };
        let text = |key: &str| known[key].as_str().unwrap().to_owned();
        let alias = Alias {
            accessor: "ACC".to_owned(),
            id: "AID".to_owned(),
            name: text("alias_name"),
            custom_metadata: map(&known["alias_custom_metadata"]),
            ..Alias::default()
        };
        let entity = Entity {
            id: "EID".to_owned(),
            name: text("entity_name"),
            metadata: map(&known["entity_metadata"]),
            aliases: vec![alias],
        };
        let group =
            |name: &str| Group { id: "GID".to_owned(), name: name.to_owned(), metadata: map(&known["group_metadata"]) };
        let groups = known["group_name"].as_str().map(group).into_iter().collect();
        let identity = Identity { entity: Some(entity), groups };
        let filled = |text: &str| text.replace("$EID", "EID").replace("$GID", "GID").replace("$ACC", "ACC");
        let policy = parse(&filled(case["policy"].as_str().unwrap()), NOW).unwrap();
        let option = |key: &str| case["policy_options"][key].as_bool().unwrap_or_default();
        let source = Source {
            wildcards_in_templates: option("allow_wildcards_in_identity_templates"),
            slashes_in_templates: option("allow_slashes_in_identity_templates"),
            ..Source::new("p", &policy)
        };
        let acl = Acl::new(Context { identity: Some(&identity), ..Context::default() }, &[source]);
        for (path, expected) in case["expect"].as_object().unwrap() {
            let Some(errors) = expected["errors"].as_array() else {
                assert_eq!(acl.as_ref().unwrap().capabilities(&filled(path)), words(expected), "{} {path}", case["id"]);
                continue;
            };
            refused += 1;
            let error = acl.as_ref().unwrap_err().source.to_string();
            let said = errors[0].as_str().unwrap();
            assert!(said.contains(&error) || said == "Forbidden", "{} {said} {error}", case["id"]);
        }
    }
    assert!(refused >= 2, "{refused}");
}

#[test]
fn namespaces() {
    for case in lines(include_str!("../../../tests/data/namespace-cases.jsonl")) {
        let policy = parse(case["policy"].as_str().unwrap(), NOW).unwrap();
        let namespace = case["policy_namespace"].as_str().unwrap();
        let acl = Acl::new(Context::default(), &[Source { namespace, ..Source::new("p", &policy) }]).unwrap();
        for check in case["checks"].as_array().unwrap() {
            let path = check["path"].as_str().unwrap();
            let request = Request::new(Operation::Read, path).namespace(check["request_namespace"].as_str().unwrap());
            let answer = acl.capabilities(&request.full_path());
            assert_eq!(answer, words(&check["capabilities"]), "{} {check}", case["id"]);
            assert_eq!(acl.decide(&request).allowed, answer.contains(&"read"), "{} {check}", case["id"]);
        }
    }
}
