//! The tree against the rule-by-rule search, and no input that makes either panic.

use proptest::prelude::*;

use super::*;

fn path() -> impl Strategy<Value = String> {
    "(/)?(a|b|ab|\\+|\\+a|a\\+|)(/(a|b|ab|\\+|\\+b|)){0,4}(\\*|/|/\\*)?"
}

fn policy() -> impl Strategy<Value = String> {
    let words = prop::sample::subsequence(vec!["read", "list", "update", "sudo", "deny", "create"], 0..3);
    let block = (path(), words).prop_map(|(path, words)| (path, words));
    prop::collection::vec(block, 1..12).prop_map(|blocks| {
        let block = |(path, words): (String, Vec<&str>)| {
            let path = path.replace("+*", "+");
            format!("path \"{path}\" {{ capabilities = {words:?} }}\n")
        };
        blocks.into_iter().map(block).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_tree_finds_what_a_search_finds(text in policy(), paths in prop::collection::vec(path(), 1..12)) {
        for dialect in [Dialect::OpenBao, Dialect::Vault] {
            let acl = acl_for(dialect, &[&text]);
            for path in &paths {
                for operation in [Operation::Read, Operation::List, Operation::Scan] {
                    let searched = acl.candidates(path, operation).first().map(|found| found.rule.pattern.to_string());
                    let found = acl.lookup(path, operation).map(|rule| rule.pattern.to_string());
                    prop_assert_eq!(found, searched, "{} {:?} {:?}\n{}", path, operation, dialect, text);
                }
            }
        }
    }

    #[test]
    fn never_a_panic(
        text in "(path|\"[a-c/+*{}.]{0,9}\"|\\{|\\}|=|\\[|\\]|capabilities|\"read\"|\"deny\"|allowed_parameters|1h| |\n){0,30}",
        path in "\\PC{0,20}",
        query in "[%?&=+a-f0-9/.]{0,12}",
        operation in prop::sample::select(Operation::ALL.to_vec()),
    ) {
        for dialect in [Dialect::OpenBao, Dialect::Vault] {
            let Ok(policy) = parse_for(dialect, &text, NOW) else { continue };
            let identity = Identity::default();
            let context = Context { dialect, identity: Some(&identity), now: NOW };
            if let Ok(acl) = Acl::new(context, &[Source::new("p", &policy)]) {
                let request = Request::new(operation, &format!("{path}{query}"));
                let decision = acl.decide(&request);
                prop_assert_eq!(decision.rule.is_none() || acl.lookup(&request.full_path(), operation).is_some(), true);
                prop_assert!(!acl.capabilities(&path).is_empty());
            }
        }
    }
}
