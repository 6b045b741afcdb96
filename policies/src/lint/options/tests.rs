use super::*;

fn selectors(words: &[&str]) -> Vec<Selector> {
    words.iter().map(|word| Selector::parse(word).unwrap()).collect()
}

fn rule(word: &str) -> &'static Rule {
    Rule::find(word).unwrap()
}

#[test]
fn globs_match_paths_and_their_ends() {
    for (pattern, path, expected) in [
        ("*.hcl", "a/b.hcl", true),
        ("admin/*.hcl", "policies/admin/a.hcl", true),
        ("admin/*.hcl", "policies/admin/x/a.hcl", false),
        ("policies/**/a.hcl", "policies/a.hcl", true),
        ("policies/**/a.hcl", "policies/x/y/a.hcl", true),
        ("policies/**", "policies/x/y", true),
        ("?.hcl", "ab.hcl", false),
    ] {
        assert_eq!(glob(pattern, path), expected, "{pattern} {path}");
    }
}

#[test]
fn a_name_is_stronger_than_a_group() {
    let selection = |select: &[&str], extend: &[&str], ignore: &[&str]| Selection {
        select: selectors(select),
        extend: selectors(extend),
        ignore: selectors(ignore),
    };
    assert!(selection(&[], &[], &[]).includes(rule("VP302")));
    assert!(!selection(&[], &[], &[]).includes(rule("default-policy")), "pedantic");
    assert!(selection(&[], &["VK117"], &[]).includes(rule("VK117")));
    assert!(selection(&["ALL"], &[], &[]).includes(rule("VK117")));
    assert!(!selection(&["VP"], &[], &[]).includes(rule("VK101")));
    assert!(!selection(&[], &[], &["VP3"]).includes(rule("VP302")));
    assert!(selection(&["ineffective-deny"], &[], &["VP3"]).includes(rule("VP302")));
    assert!(!selection(&["VP3"], &[], &["VP302"]).includes(rule("VP302")));
}

#[test]
fn an_unknown_word_gets_a_neighbour() {
    assert_eq!(
        Selector::parse("inefective-deny").unwrap_err(),
        "\"inefective-deny\" is no rule and no code begins with it; did you mean ineffective-deny?"
    );
    assert!(Selector::parse("VX").is_err());
}

#[test]
fn the_last_path_that_matches_says_the_severity() {
    let path = |path: &str, severity| PathOptions {
        path: path.to_owned(),
        severities: vec![(Selector::parse("VP4").unwrap(), severity)],
        ..PathOptions::default()
    };
    let options = LintOptions {
        paths: vec![path("admin/**", Severity::Warning), path("admin/root.hcl", Severity::Info)],
        ..LintOptions::default()
    };
    assert_eq!(options.severity(rule("VP401"), "admin/a.hcl"), Severity::Warning);
    assert_eq!(options.severity(rule("VP401"), "admin/root.hcl"), Severity::Info);
    assert_eq!(options.severity(rule("VP401"), "other.hcl"), Severity::Error);
}
