//! What a set of rules answers for a path: the little of an evaluator that rules of the linter need.
//!
//! The order is the server's: the exact path; for a list the path without its slash; then the best of the patterns.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Block;
use super::pattern::{Pattern, Rank};
use crate::policy::Capability;

#[cfg(test)]
mod tests;

/// How a server looks for a list's path, which ends in a slash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    /// With the slash; without it only when nothing matches.
    Openbao,
    /// Without the slash; with it only when nothing matches.
    VaultLegacy,
    /// The best that lists among both, unless a better one denies.
    VaultMerged,
}

/// Rules, merged by their patterns.
pub(super) struct Access<'a> {
    exact: BTreeMap<&'a str, BTreeSet<Capability>>,
    others: BTreeMap<Rank, (&'a Pattern, BTreeSet<Capability>)>,
}

impl<'a> Access<'a> {
    pub(super) fn new(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let mut access = Self { exact: BTreeMap::new(), others: BTreeMap::new() };
        for block in blocks {
            let pattern = &block.pattern;
            let merged = if pattern.is_exact() {
                access.exact.entry(&pattern.text).or_default()
            } else {
                &mut access.others.entry(pattern.rank()).or_insert_with(|| (pattern, BTreeSet::new())).1
            };
            merged.extend(block.granted.iter().copied());
            if merged.contains(&Capability::Deny) {
                *merged = BTreeSet::from([Capability::Deny]);
            }
        }
        access
    }

    /// True when a request with a capability is let through.
    pub(super) fn grants(&self, path: &str, capability: Capability, dialect: Dialect) -> bool {
        self.answer(path, capability, dialect).is_some_and(|granted| granted.contains(&capability))
    }

    fn answer(&self, path: &str, capability: Capability, dialect: Dialect) -> Option<&BTreeSet<Capability>> {
        let lists = matches!(capability, Capability::List | Capability::Scan);
        let bare = path.strip_suffix('/').filter(|_| lists);
        let exact = self.exact.get(path).or_else(|| self.exact.get(bare?));
        if exact.is_some() {
            return exact;
        }
        let Some(bare) = bare else { return self.best(path, |_| true).map(|(_, granted)| granted) };
        let any = |path: &str| self.best(path, |_| true).map(|(_, granted)| granted);
        match dialect {
            Dialect::Openbao => any(path).or_else(|| any(bare)),
            Dialect::VaultLegacy => any(bare).or_else(|| any(path)),
            Dialect::VaultMerged => {
                let both = |fits: fn(&BTreeSet<Capability>) -> bool| self.best(path, fits).max(self.best(bare, fits));
                let denied = both(|granted| granted.contains(&Capability::Deny));
                let listed = both(|granted| granted.contains(&Capability::List));
                let best = if denied > listed { denied } else { listed };
                best.or_else(|| both(|_| true)).map(|(_, granted)| granted)
            }
        }
    }

    fn best(&self, path: &str, fits: fn(&BTreeSet<Capability>) -> bool) -> Option<(&Rank, &BTreeSet<Capability>)> {
        let found = self.others.iter().rev().find(|(_, (pattern, granted))| pattern.matches(path) && fits(granted));
        found.map(|(rank, (_, granted))| (rank, granted))
    }
}
