//! Paths as policies write them: which requests they match, and which of several wins.

use std::cmp::Reverse;
use std::fmt;

/// How a pattern is matched.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The whole path.
    Exact,
    /// Everything that begins so: a `*` stood at the end.
    Prefix,
    /// Segment by segment: a `+` stands for any one of them, and a `*` may stand at the end.
    Segment,
}

/// A path of a policy, with its namespace before it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Pattern {
    /// How it is matched.
    pub kind: Kind,
    /// The text without the `*` at its end.
    pub text: String,
    /// A `*` stood at the end.
    pub open: bool,
}

/// Orders patterns that match the same path: the greater one wins.
///
/// The later first wildcard, then no star at the end, then fewer whole-segment wildcards, then the longer text, then the
/// greater one. The first wildcard of a segment pattern is its first `+`, even one that only stands for itself.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Precedence<'a> {
    /// Bytes before the first wildcard.
    pub first_wildcard: usize,
    /// No star at the end.
    pub closed: bool,
    /// Segments that are `+`.
    pub segments: Reverse<usize>,
    /// Bytes without the star.
    pub length: usize,
    /// The text without the star.
    pub text: &'a str,
}

impl Pattern {
    /// Reads a path without its leading slash and with its namespace.
    #[must_use]
    pub fn new(path: &str) -> Self {
        let segment = path == "+" || path.starts_with("+/") || path.contains("/+");
        let stem = path.strip_suffix('*');
        let kind = match (segment, stem) {
            (true, _) => Kind::Segment,
            (false, Some(_)) => Kind::Prefix,
            (false, None) => Kind::Exact,
        };
        Self { kind, text: stem.unwrap_or(path).to_owned(), open: stem.is_some() }
    }

    /// True when the pattern answers for a path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match self.kind {
            Kind::Exact => path == self.text,
            Kind::Prefix => path.starts_with(&self.text),
            Kind::Segment => self.matches_segments(path),
        }
    }

    /// How it stands against others.
    #[must_use]
    pub fn precedence(&self) -> Precedence<'_> {
        let length = self.text.len();
        let first_wildcard = match self.kind {
            Kind::Segment => self.text.find('+').unwrap_or(length),
            Kind::Exact | Kind::Prefix => length,
        };
        let segments = match self.kind {
            Kind::Segment => self.text.split('/').filter(|segment| *segment == "+").count(),
            Kind::Exact | Kind::Prefix => 0,
        };
        Precedence { first_wildcard, closed: !self.open, segments: Reverse(segments), length, text: &self.text }
    }

    fn matches_segments(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let mut wanted = self.text.split('/').peekable();
        while let Some(segment) = wanted.next() {
            let Some(other) = given.next() else { return false };
            let last = self.open && wanted.peek().is_none();
            if segment != "+" && segment != other && !(last && other.starts_with(segment)) {
                return false;
            }
        }
        self.open || given.next().is_none()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        if self.open { formatter.write_str("*") } else { Ok(()) }
    }
}
