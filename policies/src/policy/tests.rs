use super::*;

/// 2026-11-24.
const NOW: i64 = 1_795_500_000;

#[track_caller]
fn rule(text: &str) -> PathRule {
    parse(text, NOW).unwrap().rules.swap_remove(0)
}

fn words(rule: &PathRule) -> Vec<&'static str> {
    rule.capabilities.iter().map(|capability| capability.word()).collect()
}

/// Answers of OpenBao 2.7.2, word for word.
#[test]
fn every_recorded_verdict_and_sentence() {
    let mut refused = 0;
    for line in include_str!("../../tests/data/parse-cases.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (id, text) = (&case["id"], case["hcl"].as_str().unwrap());
        match (case["ok"].as_bool().unwrap(), parse(text, NOW)) {
            (true, Ok(policy)) => {
                let Some(effect) = case["effect"].as_object() else { continue };
                for (path, wanted) in effect {
                    let mut granted = BTreeSet::new();
                    for rule in policy.rules.iter().filter(|rule| rule.path == *path && !rule.expired) {
                        granted.extend(words(rule));
                    }
                    let wanted: BTreeSet<_> =
                        wanted.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
                    assert_eq!(granted, wanted, "{id} {path}");
                }
            }
            (false, Err(findings)) => {
                refused += 1;
                assert_eq!(findings[0].server.as_deref(), case["error"].as_str(), "{id}");
            }
            (ok, result) => panic!("{id}: the server says {ok}, we {result:?}"),
        }
    }
    assert!(refused > 40, "the file holds refusals: {refused}");
}

#[test]
fn old_policies_and_capabilities_add_up() {
    assert_eq!(
        words(&rule("path \"a\" { policy = \"read\" capabilities = [\"update\"] }")),
        ["read", "update", "list"]
    );
    let denied = rule("path \"a\" { capabilities = [\"read\", \"deny\", \"bogus\"] }");
    assert_eq!(words(&denied), ["deny"]);
    assert!(denied.deny_drops);
    assert!(!rule("path \"a\" { capabilities = [\"deny\"] }").deny_drops);
}

#[test]
fn every_problem_is_found_with_its_place() {
    let findings = parse(
        "path \"a\" {\n  capabilites = [\"read\"]\n}\npath \"b/+*\" {\n  capabilities = [\"Read\", \"write\"]\n}",
        NOW,
    );
    let found: Vec<_> = findings.unwrap_err();
    let places: Vec<_> = found.iter().map(|one| (one.rule.code, one.position.line, one.position.column)).collect();
    assert_eq!(places, [("VP002", 2, 3), ("VP006", 4, 6), ("VP003", 5, 19), ("VP003", 5, 27)]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean capabilities?"));
    assert_eq!(found[2].help.as_deref(), Some("write \"read\""));
    assert_eq!(found[3].help.as_deref(), Some("write is create and update"));
}

#[test]
fn reading_goes_on_behind_a_syntax_error() {
    let text =
        "path \"a\" {\n  capabilities = [read]\n}\npath \"b\" {\n  capabilities = [\"write\"]\n}\npath 'c' {\n}\n";
    let found = parse(text, NOW).unwrap_err();
    let places: Vec<_> = found.iter().map(|one| (one.rule.code, one.position.line)).collect();
    assert_eq!(places, [("VP001", 2), ("VP003", 5), ("VP001", 7)]);
    assert!(found[0].server.is_some() && found[1..].iter().all(|one| one.server.is_none()));
}

/// Types are checked before meanings, in the order of the server's fields.
#[test]
fn the_servers_first_word_comes_first() {
    let said =
        |inside: &str| parse(&format!("path \"a\" {{\n{inside}\n}}"), NOW).unwrap_err()[0].server.clone().unwrap();
    let filter = "list_scan_response_keys_filter_path = [1]";
    let text = "root.list_scan_response_keys_filter_path: unknown type for string *ast.ListType";
    assert!(said(&format!("capabilities = [\"deny\"]\n{filter}")).ends_with(text));
    assert!(said(&format!("capabilities = [\"bogus\"]\n{filter}")).ends_with(text));
    assert!(said("mfa_methods = 1\nexpiration = [1]").contains("root.expiration"));
    let groups = said("control_group = 1\ncontrol_group = { foo = 1 }");
    assert!(groups.contains("2 errors occurred") && groups.contains("\"foo\" on line 3"), "{groups}");
    let template = "capabilities = [\"list\"]\nlist_scan_response_keys_filter_path = \"{{ .path \"";
    assert!(said(template).ends_with("template: template:1: unclosed action"), "{}", said(template));
}

#[test]
fn an_expired_rule_is_not_looked_at() {
    let expired = rule("path \"a\" { capabilities = [\"bogus\"] expiration = \"2006-01-02T15:04:05Z\" }");
    assert!(expired.expired && expired.capabilities.is_empty());
    assert!(parse("path \"a\" { capabilities = [\"bogus\"] expiration = \"2106-01-02T15:04:05Z\" }", NOW).is_err());
}

#[test]
fn labels_are_counted() {
    assert_eq!(rule("path { capabilities = [\"read\"] }").labels, 0);
    assert_eq!(rule("path \"a\" \"b\" { capabilities = [\"read\"] }").labels, 2);
    assert_eq!(rule("{\"path\":{\"a\":{\"capabilities\":[\"read\"]}}}").labels, 1);
}

proptest::proptest! {
    #[test]
    fn never_a_panic(text in "(path|\"a\\+\\*\"|\\{|\\}|=|\\[|\\]|capabilities|\"read\"|policy|1|min_wrapping_ttl|control_group|factor| |\n){0,24}") {
        if let Err(findings) = parse(&text, NOW) {
            proptest::prop_assert!(findings.iter().all(|finding| finding.position.offset <= text.len()));
            proptest::prop_assert!(findings[0].server.is_some());
        }
    }
}
