//! The record of ownership at the head of a policy's text.

use std::collections::BTreeSet;

const OWNER: &str = "# managed by blinkchamber: ";
const ROLE: &str = "# role: ";

/// What the head of a policy says.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) owner: Option<String>,
    /// API paths of the roles that were made for the policy.
    pub(super) roles: BTreeSet<String>,
}

/// A policy's text under its record.
pub(super) fn write(owner: &str, roles: &BTreeSet<String>, text: &str) -> String {
    let roles: String = roles.iter().map(|role| format!("{ROLE}{role}\n")).collect();
    format!("{OWNER}{owner}\n{roles}\n{text}")
}

/// Reads the record of a text; one that is not at the very beginning is none.
pub(super) fn read(text: &str) -> Record {
    let mut lines = text.lines();
    let Some(owner) = lines.next().and_then(|line| line.strip_prefix(OWNER)) else { return Record::default() };
    let roles = lines.map_while(|line| line.strip_prefix(ROLE)).map(|role| role.trim_end().to_owned()).collect();
    Record { owner: Some(owner.trim_end().to_owned()), roles }
}
