//! What every rule about a policy is given.

use super::model::{Block, PolicyFile};
use super::mounts::{Mounts, Place};
use super::options::LintOptions;
use crate::rules::Finding;

/// One policy and what is known around it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) file: &'a PolicyFile,
    pub(super) options: &'a LintOptions,
    pub(super) mounts: &'a Mounts,
}

/// Where a rule about a policy puts what it finds.
pub(super) type Out = Vec<Finding>;

/// A rule that looks at one block.
pub(super) type BlockRule = fn(&View<'_>, &Block, &mut Out);

impl<'a> View<'a> {
    /// The mount of a block's path.
    pub(super) fn place(&self, block: &'a Block) -> Option<Place<'a>> {
        self.mounts.place(&block.pattern.text)
    }

    /// The part of a block's path below its mount, when that is of one of some kinds.
    pub(super) fn below(&self, block: &'a Block, kinds: &[&str]) -> Option<&'a str> {
        self.place(block).filter(|place| kinds.contains(&place.kind.as_str())).map(|place| place.rest)
    }

    /// Runs rules over every block that the server reads.
    pub(super) fn each(&self, rules: &[BlockRule], out: &mut Out) {
        for block in self.file.rules() {
            for rule in rules {
                rule(self, block, out);
            }
        }
    }
}

/// Words in a sentence: `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
