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
    assert!(LEFT_OUT.iter().all(|left| Rule::find(left.code).is_none() && Rule::find(left.name).is_none()));
}

#[test]
fn every_page_is_complete() {
    for rule in ALL {
        let page = rule.page();
        assert!(!page.fires.is_empty() && !page.misses.is_empty(), "{}", rule.code);
        assert_eq!(page.fixed.is_empty(), rule.fixable == Fixable::No, "{}: what a fix makes", rule.code);
        let listed = index().lines().filter(|line| line.starts_with(&format!("| [{}](", rule.code))).count();
        assert_eq!(listed, 1, "{} in the index", rule.code);
    }
}
