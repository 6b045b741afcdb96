//! The patterns with wildcards of all rules in one tree of segments, so that a lookup costs what the path is long.

use std::collections::HashMap;

use super::pattern::Pattern;

/// Finds the highest rank among the patterns that match.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    root: Node,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Below a segment that stands for itself.
    literal: HashMap<Box<str>, Self>,
    /// Below a `+`.
    any: Option<Box<Self>>,
    /// A pattern without a star ends here.
    end: Option<usize>,
    /// Patterns with a star, by what stands before it in its segment.
    open: HashMap<Box<str>, usize>,
    /// Lengths of what stands before the stars, each once, longest first.
    lengths: Vec<usize>,
}

impl Trie {
    /// Adds a pattern; a later one with the same text takes its place.
    pub(super) fn insert(&mut self, pattern: &Pattern, rank: usize) {
        let (above, last) = match pattern.text.rsplit_once('/') {
            Some((above, last)) => (Some(above), last),
            None => (None, pattern.text.as_str()),
        };
        let mut node = &mut self.root;
        for segment in above.into_iter().flat_map(|above| above.split('/')) {
            node = node.child(segment);
        }
        if pattern.open {
            node.open.insert(last.into(), rank);
            if !node.lengths.contains(&last.len()) {
                node.lengths.push(last.len());
                node.lengths.sort_unstable_by(|left, right| right.cmp(left));
            }
        } else {
            node.child(last).end = Some(rank);
        }
    }

    /// The highest rank for a path.
    pub(super) fn best(&self, path: &str) -> Option<usize> {
        self.root.best(path)
    }
}

impl Node {
    fn child(&mut self, segment: &str) -> &mut Self {
        if segment == "+" {
            return self.any.get_or_insert_default();
        }
        self.literal.entry(segment.into()).or_default()
    }

    /// The highest rank for what of a path is left.
    fn best(&self, rest: &str) -> Option<usize> {
        let (segment, below) = match rest.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (rest, None),
        };
        let opened = self.lengths.iter().filter_map(|length| self.open.get(segment.get(..*length)?)).max().copied();
        let through = |node: &Self| match below {
            Some(below) => node.best(below),
            None => node.end,
        };
        let literal = if self.literal.is_empty() { None } else { self.literal.get(segment).and_then(through) };
        let any = self.any.as_deref().and_then(through);
        opened.max(literal).max(any)
    }
}
