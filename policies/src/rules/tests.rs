use super::*;

#[test]
fn codes_and_names_are_unique_and_sorted() {
    let codes: Vec<_> = ALL.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn the_reference_lists_every_rule() {
    let reference = include_str!("../../../docs/reference/policies.md");
    for rule in ALL {
        let severity = if rule.severity == Severity::Error { "error" } else { "warning" };
        let row = format!("| {} | {} | {severity} |", rule.code, rule.name);
        assert!(reference.contains(&row), "{row}");
    }
    assert_eq!(reference.matches("\n| VP").count(), ALL.len());
}
