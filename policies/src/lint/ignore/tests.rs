use super::*;
use crate::lint::{LintOptions, lint};

fn codes(text: &str, options: &LintOptions) -> Vec<(&'static str, usize)> {
    lint(text, options).into_iter().map(|finding| (finding.rule.code, finding.position.line)).collect()
}

#[test]
fn a_comment_holds_for_its_line_the_next_or_the_block() {
    let options = LintOptions::default();
    let end = "path \"kv//a\" { # policies: ignore[VP106] old secrets lie there\n  capabilities = [\"read\"]\n}\n";
    assert_eq!(codes(end, &options), []);
    let above = "# policies: ignore[empty-segment]\n# the old place\npath \"kv//a\" {\n  capabilities = [\"read\", \"read\"]\n}\n";
    assert_eq!(codes(above, &options), [("VP203", 4)]);
    let block = above.replace("empty-segment", "VP106, VP2");
    assert_eq!(codes(&block, &options), []);
    let behind = "path \"kv/a\" {\n  capabilities = [\"read\", \"read\"] # policies: ignore[VP203]\n}\npath \"kv//b\" {\n  capabilities = [\"read\"]\n}\n";
    assert_eq!(codes(behind, &options), [("VP106", 4)]);
    let whole = format!("// policies: ignore-file[VP106]\n{behind}");
    assert_eq!(codes(&whole, &options), []);
}

#[test]
fn what_is_of_no_use_is_said_and_can_go() {
    let text = "# policies: ignore[VP106, VP999] why\npath \"kv/a\" {\n  capabilities = [\"read\"]\n}\n";
    let findings = lint(text, &LintOptions::default());
    let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        ["\"VP999\" is no rule and no code begins with it", "nothing here has to be ignored for VP106"]
    );
    assert!(findings.iter().all(|finding| finding.rule == rules::UNUSED_IGNORE));
    let files = [("a.hcl".to_owned(), text.to_owned())];
    let fixed = crate::lint::fix(&files, &LintOptions::default(), false);
    assert_eq!(fixed[0].1, "path \"kv/a\" {\n  capabilities = [\"read\"]\n}\n");
}

#[test]
fn a_rule_that_does_not_look_leaves_its_ignore_alone() {
    let text = "# policies: ignore[VP106]\npath \"kv/a\" {\n  capabilities = [\"read\"]\n}\n";
    let options = LintOptions {
        selection: crate::lint::Selection { ignore: vec![Selector::parse("VP106").unwrap()], ..Default::default() },
        ..LintOptions::default()
    };
    assert_eq!(codes(text, &options), []);
}

#[test]
fn reasons_can_be_asked_for() {
    let options = LintOptions { require_reasons: true, ..LintOptions::default() };
    let text = "# policies: ignore[VP106]\npath \"kv//a\" {\n  capabilities = [\"read\"]\n}\n";
    assert_eq!(codes(text, &options), [("VP902", 1)]);
    assert_eq!(codes(&text.replacen(']', "] old", 1), &options), []);
}
