use super::render::{human, json};
use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    let kv2 = ["secret".to_owned()].into();
    let options = LintOptions { kv2, now: 1_795_500_000, ..LintOptions::default() };
    lint(text, &options).into_iter().map(|finding| finding.rule.code).collect()
}

#[test]
fn nothing_is_said_of_what_is_right() {
    for text in [
        "path \"secret/data/app\" {\n  capabilities = [\"create\", \"read\", \"update\", \"patch\", \"delete\"]\n}\n",
        "path \"secret/metadata/app\" {\n  capabilities = [\"list\"]\n}\n",
        "path \"*\" { capabilities = [\"deny\"] }",
        "path \"database/creds/app\" { capabilities = [\"read\"] }",
        "path \"auth/token/renew-self\" { capabilities = [\"update\"] }",
        "path \"sys/leases/renew\" { capabilities = [\"update\"] }",
        "path \"pki/issue/web\" { capabilities = [\"update\"] }",
        "path \"transit/encrypt/app\" { capabilities = [\"update\"] }",
        "path \"cubbyhole/*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"] }",
    ] {
        assert_eq!(codes(text), [""; 0], "{text}");
    }
}

#[test]
fn an_empty_text_and_what_is_over() {
    assert_eq!(codes(""), ["VP019"]);
    assert_eq!(codes("path \"x/*\" { capabilities = [\"bogus\"] expiration = 1 }"), ["VP309"]);
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    let text = "path \"b\" { capabilities = [\"x\"] }\npath \"a+*\" { capabilites = [] }\n";
    assert_eq!(codes(text), ["VP003", "VP006", "VP002"]);
}

/// A block that the server refuses says nothing about the others, and they are looked at.
#[test]
fn other_blocks_are_looked_at_beside_a_refused_one() {
    let text = "path \"kv/a\" { capabilities = [\"x\"] }\npath \"kv//b\" { capabilities = [\"read\"] }\n";
    assert_eq!(codes(text), ["VP003", "VP106"]);
}

#[test]
fn the_order_of_files_is_kept_and_nothing_comes_twice() {
    let file = |name: &str| (name.to_owned(), "path \"kv//a\" { capabilities = [\"read\"] }\n".to_owned());
    let found = check(&[file("b.hcl"), file("a.hcl")], &LintOptions::default());
    let files: Vec<_> = found.iter().map(|one| one.file.as_str()).collect();
    assert_eq!(files, ["b.hcl", "a.hcl"]);
}

/// Many policies are shared out among threads; each has its findings, once and in its place.
#[test]
fn many_policies_are_looked_at_as_one() {
    let text = "path \"kv//a\" { capabilities = [\"read\"] }\n";
    let files: Vec<_> = (0..300).map(|number| (format!("{number}.hcl"), text.to_owned())).collect();
    let found = check(&files, &LintOptions::default());
    let names: Vec<_> = found.iter().map(|one| one.file.as_str()).collect();
    assert_eq!(names, files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
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

/// Whatever is in a file, a finding stands in the file, and a fix changes what is there.
fn assert_in_place(file: &str, text: &str) {
    let files = [(file.to_owned(), text.to_owned())];
    for Located { finding, .. } in check(&files, &LintOptions::default()) {
        assert!(finding.position.offset <= text.len() && finding.position.line >= 1, "{file}: {finding:?}");
        for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
            assert!(text.get(edit.range.clone()).is_some(), "{file}: {finding:?}");
        }
    }
}

#[test]
fn odd_files_are_looked_at_as_well() {
    let deep = "[".repeat(100_000);
    for text in [
        "",
        "\u{feff}",
        "\0",
        "{",
        "[]",
        "null",
        "---\n---\n",
        "a: &a [*a]\n",
        "kind: List\nitems: [1, {kind: Pod}]\n",
        "\r\n\r",
        &deep,
    ] {
        for file in ["a.hcl", "policies/a.json", "roles/a.json", "a.yaml"] {
            assert_in_place(file, text);
        }
    }
}

proptest::proptest! {
    #[test]
    fn roles_and_manifests_of_any_kind(text in "(\\{|\\}|\\[|\\]|,|:|\"ttl\"|\"policies\"|\"token_policies\"|\"a,B\"|\"\\*\"|1|true|\"é|\n){0,16}", yaml in "(kind: Pod|kind: List|items:|metadata:|  annotations:|    vault.hashicorp.com/role: é|spec:|  containers:|  - name: a|- |\\[|\t|# policies: ignore\\[VM\\]|\n|---\n|  ){0,20}") {
        assert_in_place("roles/a.json", &text);
        assert_in_place("pki/a.json", &format!("{{\"key_type\": \"ec\", {text}"));
        assert_in_place("a.yaml", &yaml);
    }

    #[test]
    fn every_finding_can_be_shown(text in "(path|\"a\\+\\*é\"|\"k//\\*\"|\"|\\{|\\}|=|\\[|\\]|capabilities|\"read\"|\"read\",|policy|é|\r\n|\t| |\n|# policies: ignore\\[VP1\\]|<<E){0,20}") {
        let files = [("f".to_owned(), text.clone())];
        for finding in lint(&text, &LintOptions::default()) {
            proptest::prop_assert!(human("f", &text, &finding).contains(finding.rule.code));
        }
        for (_, text, made) in fix(&files, &LintOptions::default(), true) {
            proptest::prop_assert!(made > 0 && human("f", &text, &Finding::new(rules::SYNTAX, text::START, "x")).contains("VP001"));
        }
    }
}
