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
            let context = Context { dialect, identity: Some(&identity), now: NOW, as_written: false };
            if let Ok(acl) = Acl::new(context, &[Source::new("p", &policy)]) {
                let request = Request::new(operation, &format!("{path}{query}"));
                let decision = acl.decide(&request);
                prop_assert_eq!(decision.rule.is_none() || acl.lookup(&request.full_path(), operation).is_some(), true);
                prop_assert!(!acl.capabilities(&path).is_empty());
            }
        }
    }

    #[test]
    fn a_difference_is_empty_exactly_when_no_path_differs(
        left in policy(), right in policy(), same in prop::bool::weighted(0.2),
        paths in prop::collection::vec(path(), 1..40),
    ) {
        for dialect in [Dialect::OpenBao, Dialect::Vault] {
            let (before, after) = (acl_for(dialect, &[&left]), acl_for(dialect, &[if same { &left } else { &right }]));
            let found = difference(&before, &after);
            prop_assert!(found.complete);
            prop_assert!(!same || found.changes.is_empty());
            for change in &found.changes {
                let (had, has) = (effective(&before, &change.witness), effective(&after, &change.witness));
                prop_assert!(!change.gained.is_empty() || !change.lost.is_empty());
                prop_assert!(change.gained.without(has).is_empty() && change.lost.without(had).is_empty());
                prop_assert_ne!(had, has, "{}", change.witness);
            }
            for (path, operation) in paths.iter().flat_map(|path| [(path, Operation::Read), (path, Operation::List)]) {
                let counts = |one: &Capability| {
                    matches!(one, Capability::List | Capability::Scan) == (operation == Operation::List)
                };
                let part = |acl: &Acl| -> CapabilitySet { acl.granted(path, operation).granted().iter().filter(counts).collect() };
                let rule = |acl: &Acl| acl.lookup(path, operation).map(|rule| rule.pattern.clone());
                let (old, new) = (rule(&before), rule(&after));
                let shown = |change: &Change<'_>| {
                    change.before.map(|rule| &rule.pattern) == old.as_ref() && change.after.map(|rule| &rule.pattern) == new.as_ref()
                };
                let known = part(&before) == part(&after) || found.changes.iter().any(shown);
                prop_assert!(known, "{path}\n{left}---\n{right}{:?}", found.changes);
            }
        }
    }
}
