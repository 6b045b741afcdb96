//! `sys/internal/ui/mounts/PATH`: clients ask it for the version of a KV engine, and it asks whether the token may do
//! anything at all below the mount.

use super::{Acl, Kind, Operation, Rule};
use crate::policy::Capability;

impl Acl {
    /// True when the server tells a token about a mount, given with its slash at the end.
    #[must_use]
    pub fn reaches_mount(&self, mount: &str) -> bool {
        let gives = |rule: &Rule| !rule.capabilities.granted().is_empty();
        if !self.granted(mount, Operation::List).granted().is_empty() {
            return true;
        }
        let below = |rule: &&Rule| rule.pattern.kind != Kind::Segment && rule.pattern.text.starts_with(mount);
        if self.rules.iter().filter(below).any(gives) {
            return true;
        }
        // As long as no rule has a whole-segment wildcard the server only asks whether a glob covers the mount at all,
        // and a glob that denies will do.
        if !self.segments {
            return self.rules.iter().any(|rule| rule.pattern.kind == Kind::Prefix && rule.pattern.matches(mount));
        }
        self.rules.iter().filter(|rule| rule.pattern.kind == Kind::Segment).any(|rule| {
            !rule.capabilities.is_empty() && !rule.capabilities.contains(Capability::Deny) && begins_at(rule, mount)
        })
    }
}

/// True when the first segments of a rule can be the mount's.
fn begins_at(rule: &Rule, mount: &str) -> bool {
    let mut wanted = rule.pattern.text.split('/').peekable();
    for segment in mount.trim_end_matches('/').split('/') {
        let Some(own) = wanted.next() else { return false };
        let last = rule.pattern.open && wanted.peek().is_none();
        if own != "+" && own != segment && !(last && segment.starts_with(own)) {
            return false;
        }
    }
    true
}
