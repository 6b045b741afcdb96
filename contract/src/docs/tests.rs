//! The committed page is the one the table gives.

use super::*;
use crate::annotations::entries;

#[test]
fn the_committed_page_is_the_tables() {
    let committed = include_str!("../../../docs/reference/annotations.md");
    assert!(
        committed == annotations_markdown(),
        "docs/reference/annotations.md is old: run `cargo run -p blinkchamber-contract --example annotations \
         > docs/reference/annotations.md`"
    );
}

#[test]
fn every_row_has_one_line() {
    let page = annotations_markdown();
    for entry in entries() {
        let start = format!("| `{}` |", entry.pattern());
        assert_eq!(page.lines().filter(|line| line.starts_with(&start)).count(), 1, "{start}");
    }
}
