//! The same decision rule by rule: it shows who else matches, and the tree is tested against it.

use super::{Acl, Kind, Operation, Rule};
use crate::policy::Dialect;

/// A rule that matches a path, and how.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// It matches only without the slash at the end, which a list allows.
    pub without_slash: bool,
}

impl Acl {
    /// Every rule that matches a path, the answering one first, each loser behind the one that beats it.
    #[must_use]
    pub fn candidates(&self, path: &str, operation: Operation) -> Vec<Candidate<'_>> {
        let path = path.trim_start_matches('/');
        let trimmed = path.strip_suffix('/').filter(|_| self.lists(operation));
        let mut found = self.matching(path, Kind::Exact, false);
        let mut exact = trimmed.map(|trimmed| self.matching(trimmed, Kind::Exact, true)).unwrap_or_default();
        found.append(&mut exact);
        let mut full = self.wild_matching(path, false);
        let mut cut = trimmed.map(|trimmed| self.wild_matching(trimmed, true)).unwrap_or_default();
        if self.dialect == Dialect::Vault {
            std::mem::swap(&mut full, &mut cut);
        }
        for candidate in full.into_iter().chain(cut) {
            if !found.iter().any(|other| std::ptr::eq(other.rule, candidate.rule)) {
                found.push(candidate);
            }
        }
        found
    }

    fn wild_matching(&self, path: &str, without_slash: bool) -> Vec<Candidate<'_>> {
        let mut found = self.matching(path, Kind::Prefix, without_slash);
        found.append(&mut self.matching(path, Kind::Segment, without_slash));
        found.sort_by(|left, right| right.rule.pattern.precedence().cmp(&left.rule.pattern.precedence()));
        found
    }

    fn matching(&self, path: &str, kind: Kind, without_slash: bool) -> Vec<Candidate<'_>> {
        let rules = self.rules.iter().filter(|rule| rule.pattern.kind == kind && rule.pattern.matches(path));
        rules.map(|rule| Candidate { rule, without_slash }).collect()
    }
}
