use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    let options = LintOptions { kv2: BTreeSet::from(["secret".to_owned()]), now: 1_795_500_000 };
    lint(text, &options).into_iter().map(|finding| finding.rule.code).collect()
}

fn of_rule(path: &str, capabilities: &str) -> Vec<&'static str> {
    codes(&format!("path \"{path}\" {{\n  capabilities = [{capabilities}]\n}}\n"))
}

/// For each rule of ours beyond the server's refusals: a text that has it, and the nearest that has nothing.
#[test]
fn each_warning_fires_and_spares_its_neighbour() {
    let read = "\"read\"";
    let cases = [
        ("VP101", "kv/*/x", read, "kv/+/x"),
        ("VP103", "kv/a+b", read, "kv/+/b"),
        ("VP105", " kv/a", read, "kv/a b"),
        ("VP106", "kv//a", read, "/kv/a"),
        ("VP108", "v1/kv/a", read, "kv/v1/a"),
        ("VP207", "sys/*", "\"read\", \"sudo\"", "sys/raw"),
        ("VP401", "*", read, "kv/*"),
        ("VP401", "/*", read, "kv/*"),
        ("VP401", "+/*", read, "kv/+/*"),
        ("VP501", "secret/app", read, "secret/data/app"),
        ("VP501", "secret/ap*", read, "secret/da*"),
        ("VP511", "secret/data/data/app", read, "secret/data/database"),
    ];
    for (code, path, capabilities, neighbour) in cases {
        assert!(of_rule(path, capabilities).contains(&code), "{code} {path}: {:?}", of_rule(path, capabilities));
        assert!(!of_rule(neighbour, capabilities).contains(&code), "{code} {neighbour}");
    }
    assert_eq!(of_rule("kv/a", ""), ["VP201"]);
    assert_eq!(of_rule("kv/a", "\"deny\", \"read\""), ["VP202"]);
    assert_eq!(of_rule("kv/a", "\"deny\""), [""; 0]);
    assert_eq!(of_rule("*", "\"deny\""), [""; 0]);
    assert_eq!(codes("path { capabilities = [\"read\"] }"), ["VP013"]);
    assert_eq!(codes("path \"a\" \"b\" { capabilities = [\"read\"] }"), ["VP012"]);
    assert_eq!(codes("# nothing\n"), ["VP019"]);
    assert_eq!(codes(""), ["VP019"]);
    assert_eq!(codes("path \"x*\" { capabilities = [\"bogus\"] expiration = 1 }"), [""; 0], "expired");
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    let text = "path \"b\" { capabilities = [\"x\"] }\npath \"a+*\" { capabilites = [] }\n";
    assert_eq!(codes(text), ["VP003", "VP006", "VP002"]);
}

#[test]
fn people_see_the_line_and_the_server_s_words() {
    let text = "path \"secret/data/a\" {\n  capabilities = [\"write\"]\n}\n";
    let finding = lint(text, &LintOptions::default()).remove(0);
    let expected = "\
error[VP003]: \"write\" is no capability
 --> a.hcl:2:19
  |
2 |   capabilities = [\"write\"]
  |                   ^^^^^^^ invalid-capability
  |
  = help: write is create and update
  = note: the server answers: failed to parse policy: path \"secret/data/a\": path \"secret/data/a\": invalid capability \"write\"";
    assert_eq!(human("a.hcl", text, &finding), expected);
    let value = json("a.hcl", &finding);
    assert_eq!(
        (value["code"].as_str(), value["line"].as_u64(), value["severity"].as_str()),
        (Some("VP003"), Some(2), Some("error"))
    );
}

proptest::proptest! {
    #[test]
    fn every_finding_can_be_shown(text in "(path|\"a\\+\\*é\"|\"|\\{|\\}|=|\\[|\\]|capabilities|\"read\"|é|\r\n|\t| |\n|<<E){0,20}") {
        for finding in lint(&text, &LintOptions::default()) {
            proptest::prop_assert!(human("f", &text, &finding).contains(finding.rule.code));
        }
    }
}
