//! What policies allow, as the server decides it: without a server, without I/O.
//!
//! [`Acl::new`] puts the policies of one token together, [`Acl::capabilities`] answers as `sys/capabilities` does and
//! [`Acl::decide`] as the server does to a request. Facts: `internal/vault/policy/acl.go` of OpenBao, `vault/acl.go` of
//! Vault, and the recorded answers in `policies/tests/data`.

use std::collections::HashMap;

use blinkchamber_hcl::Position;

use crate::policy::{Capability, CapabilitySet, Constraints, Dialect, Policy};

mod difference;
mod endpoints;
mod identity;
mod merge;
mod mounts;
mod naive;
mod parameters;
mod pattern;
mod request;
mod standard;
#[cfg(test)]
mod tests;
mod trie;
mod verdict;

pub use difference::{Change, Difference, difference, effective};
pub use identity::{Alias, Entity, Group, Identity, IdentityError};
pub use naive::Candidate;
pub use pattern::{Kind, Pattern, Precedence};
pub use request::{Decision, Operation, Reason, Request, RequestError};
pub use standard::default_policy;
use trie::Trie;
pub use verdict::Loss;

/// One policy of a token.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name, or where it was read.
    pub name: &'a str,
    /// What it says.
    pub policy: &'a Policy,
    /// The namespace it lives in: empty for the root, else without a slash at its ends.
    pub namespace: &'a str,
    /// `allow_wildcards_in_identity_templates` of the policy.
    pub wildcards_in_templates: bool,
    /// `allow_slashes_in_identity_templates` of the policy.
    pub slashes_in_templates: bool,
}

impl<'a> Source<'a> {
    /// A policy of the root namespace, with the server's defaults.
    #[must_use]
    pub fn new(name: &'a str, policy: &'a Policy) -> Self {
        Self { name, policy, namespace: "", wildcards_in_templates: false, slashes_in_templates: false }
    }
}

/// Whose token it is, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The server.
    pub dialect: Dialect,
    /// For the templates of paths; without one no template resolves.
    pub identity: Option<&'a Identity>,
    /// Templates stand for themselves: rules are compared, and nobody's token is asked about.
    pub as_written: bool,
    /// Seconds since 1970, for `{{time.now}}`.
    pub now: i64,
}

/// Why the policies of a token give nothing at all.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("policy {policy}, path {path:?}: {source}")]
pub struct AclError {
    /// The policy.
    pub policy: String,
    /// The path as written.
    pub path: String,
    /// What the server refuses.
    pub source: IdentityError,
}

/// A path block of a policy that went into a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Which of the sources.
    pub source: usize,
    /// The path as written.
    pub path: String,
    /// Where it stands.
    pub position: Position,
    /// What this block grants.
    pub capabilities: CapabilitySet,
}

/// All that the policies say about one pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The paths it answers for.
    pub pattern: Pattern,
    /// What it grants; `deny` stands alone.
    pub capabilities: CapabilitySet,
    /// What it asks of a request.
    pub constraints: Constraints,
    /// The blocks it was merged from, in order.
    pub origins: Vec<Origin>,
}

/// The policies of one token, compiled.
#[derive(Clone, Debug)]
pub struct Acl {
    dialect: Dialect,
    names: Vec<String>,
    rules: Vec<Rule>,
    exact: HashMap<Box<str>, usize>,
    /// Ranks of the other rules; a higher one wins.
    wild: Trie,
    /// Which rule has a rank.
    ranked: Vec<usize>,
    /// A rule has whole segments for wildcards, which changes how access to a mount is judged.
    segments: bool,
}

impl Acl {
    /// Puts policies together, in the order in which the token has them.
    ///
    /// # Errors
    /// [`AclError`] when an identity's value makes the server refuse the token.
    pub fn new(context: Context<'_>, sources: &[Source<'_>]) -> Result<Self, AclError> {
        let rules = merge::rules(context, sources)?;
        let mut exact = HashMap::new();
        let mut ranked = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if rule.pattern.kind == Kind::Exact {
                exact.insert(rule.pattern.text.as_str().into(), index);
            } else {
                ranked.push((rule.pattern.precedence(), index));
            }
        }
        ranked.sort();
        let ranked: Vec<usize> = ranked.into_iter().map(|(_, index)| index).collect();
        let mut wild = Trie::default();
        for (rank, index) in ranked.iter().enumerate() {
            if let Some(rule) = rules.get(*index) {
                wild.insert(&rule.pattern, rank);
            }
        }
        let segments = rules.iter().any(|rule| rule.pattern.kind == Kind::Segment);
        let names = sources.iter().map(|source| source.name.to_owned()).collect();
        Ok(Self { dialect: context.dialect, names, rules, exact, wild, ranked, segments })
    }

    /// The server that is imitated.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Every rule.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The name of a source that an [`Origin`] names.
    #[must_use]
    pub fn name(&self, source: usize) -> &str {
        self.names.get(source).map_or("", String::as_str)
    }

    /// What `sys/capabilities` answers for a path: sorted words, `deny` for no right.
    #[must_use]
    pub fn capabilities(&self, path: &str) -> Vec<&'static str> {
        self.granted(path, Operation::List).answer()
    }

    /// The set that the answering rule holds; a listing operation follows the rules for lists.
    #[must_use]
    pub fn granted(&self, path: &str, operation: Operation) -> CapabilitySet {
        self.lookup(path, operation).map(|rule| rule.capabilities).unwrap_or_default()
    }

    /// The rule that answers for a path, if any.
    #[must_use]
    pub fn lookup(&self, path: &str, operation: Operation) -> Option<&Rule> {
        let path = path.trim_start_matches('/');
        let listing = self.lists(operation);
        let trimmed = path.strip_suffix('/');
        let exact = self.exact.get(path).or_else(|| self.exact.get(trimmed.filter(|_| listing)?));
        if let Some(index) = exact {
            return self.rules.get(*index);
        }
        let rank = match trimmed.filter(|_| listing) {
            Some(trimmed) if self.dialect == Dialect::OpenBao => {
                self.wild.best(path).or_else(|| self.wild.best(trimmed))
            }
            Some(trimmed) => self.wild.best(trimmed).or_else(|| self.wild.best(path)),
            None => self.wild.best(path),
        }?;
        self.rules.get(*self.ranked.get(rank)?)
    }

    /// Decides about a request.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision<'_> {
        request::decide(self, request)
    }

    /// Vault has no scan, so only OpenBao's follows the rules for lists.
    fn lists(&self, operation: Operation) -> bool {
        operation == Operation::List || (operation == Operation::Scan && self.dialect == Dialect::OpenBao)
    }

    fn can(&self, rule: &Rule, capability: Capability) -> bool {
        rule.capabilities.contains(capability) && !rule.capabilities.contains(Capability::Deny)
    }
}
