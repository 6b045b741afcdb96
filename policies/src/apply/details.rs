//! What a change means, in lines for a person.

use std::collections::BTreeMap;

use crate::policy::{self, Policy};
use crate::role::FieldChange;

/// Paths that gain, lose or change capabilities.
pub(super) fn of_policies(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (rules(before), rules(after));
    let mut lines = Vec::new();
    for (path, words) in &before {
        match after.get(path) {
            None => lines.push(format!("- {path:?} [{words}]")),
            Some(new) if new != words => lines.push(format!("~ {path:?} [{words}] -> [{new}]")),
            Some(_) => {}
        }
    }
    for (path, words) in after.iter().filter(|(path, _)| !before.contains_key(*path)) {
        lines.push(format!("+ {path:?} [{words}]"));
    }
    if lines.is_empty() {
        lines.push("comments or constraints".to_owned());
    }
    lines
}

/// Fields of a role that change.
pub(super) fn of_roles(changes: &[FieldChange]) -> Vec<String> {
    changes.iter().map(|change| format!("~ {}: {} -> {}", change.field, change.before, change.after)).collect()
}

fn rules(text: &str) -> BTreeMap<String, String> {
    let Policy { rules } = policy::parse(text, i64::MAX).unwrap_or_default();
    let mut merged: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for rule in rules {
        merged.entry(rule.path).or_default().extend(rule.capabilities.iter().map(|capability| capability.word()));
    }
    merged.into_iter().map(|(path, words)| (path, words.join(", "))).collect()
}
