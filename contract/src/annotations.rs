//! The annotations a pod may carry: one table that drives reading, refusals and the reference page.

mod nearest;
mod read;
mod table;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use read::{Annotations, Findings, Given};
pub use table::REGISTRY;
pub use values::Kind;

/// Prefixes that are read; where a suffix stands twice, the first of this list wins.
pub const PREFIXES: [&str; 3] = ["blinkchamber.io/", "vault.hashicorp.com/", "openbao.org/"];

/// Written to an injected pod: what other tools look for.
pub const STATUS: &str = "vault.hashicorp.com/agent-inject-status";

/// Written to an injected pod: hash of what was decided, and the sign that the injection is ours.
pub const INJECTED: &str = "blinkchamber.io/injected";

/// Rows of the table that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Heading in the reference.
    pub title: &'static str,
    /// The rows.
    pub entries: &'static [Entry],
}

/// One row: an annotation, or a family of annotations with one member per secret or parameter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Name without prefix; of a family, the part before `-<name>`.
    pub name: &'static str,
    /// True when a secret's or a parameter's name follows.
    pub family: bool,
    /// What values are accepted.
    pub kind: Kind,
    /// What holds when it is not set, in words for the reference.
    pub default: &'static str,
    /// In which modes of injection it has a meaning.
    pub modes: Modes,
    /// First version that reads it.
    pub since: &'static str,
    /// Whether it does what it says.
    pub status: Status,
    /// What it does.
    pub doc: &'static str,
}

/// In which modes of injection an annotation has a meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Modes {
    /// One agent as a native sidecar.
    Native,
    /// An init container and a sidecar, as vault-k8s writes them.
    Classic,
    /// Both.
    Both,
}

/// Whether an annotation does what it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It does.
    Supported,
    /// Its value is checked, but nothing follows from it, for this reason; the user gets a warning.
    NoEffect(&'static str),
    /// Not yet: a pod that asks for it is refused with this reason.
    Later(&'static str),
    /// Written by the injector; a user's value means nothing.
    Written,
}

impl Entry {
    /// The name with its placeholder: `agent-inject-secret-<name>`.
    #[must_use]
    pub fn pattern(&self) -> String {
        if self.family { format!("{}-<name>", self.name) } else { self.name.to_owned() }
    }

    const fn one(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        let (modes, since, status) = (Modes::Both, "0.1.0", Status::Supported);
        Self { name, family: false, kind, default, modes, since, status, doc }
    }

    const fn each(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self { family: true, ..Self::one(name, kind, default, doc) }
    }

    const fn only(self, modes: Modes) -> Self {
        Self { modes, ..self }
    }

    const fn later(self, reason: &'static str) -> Self {
        Self { status: Status::Later(reason), ..self }
    }

    const fn without_effect(self, reason: &'static str) -> Self {
        Self { status: Status::NoEffect(reason), ..self }
    }

    const fn written(self) -> Self {
        Self { status: Status::Written, ..self }
    }
}

/// Every row of the table, in the order of the reference.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    REGISTRY.iter().flat_map(|group| group.entries)
}

/// The row a name (without prefix) belongs to, and the rest of the name when the row is a family; of two families that
/// fit, the one with the longer name.
#[must_use]
pub fn find(suffix: &str) -> Option<(&'static Entry, &str)> {
    /// By name and whether it is a family: the webhook looks up every annotation of every pod.
    static ROWS: LazyLock<HashMap<(&str, bool), &Entry>> =
        LazyLock::new(|| entries().map(|entry| ((entry.name, entry.family), entry)).collect());
    if let Some(entry) = ROWS.get(&(suffix, false)) {
        return Some((entry, ""));
    }
    let splits = suffix.rmatch_indices('-').filter_map(|(at, _)| suffix.split_at_checked(at));
    splits
        .filter_map(|(family, rest)| Some((family, rest.strip_prefix('-').filter(|member| !member.is_empty())?)))
        .find_map(|(family, member)| Some((*ROWS.get(&(family, true))?, member)))
}

/// A key without its prefix and the rank of that prefix; `None` for keys that are not ours to read.
#[must_use]
pub fn strip(key: &str) -> Option<(usize, &str)> {
    PREFIXES.iter().enumerate().find_map(|(rank, prefix)| Some((rank, key.strip_prefix(prefix)?)))
}
