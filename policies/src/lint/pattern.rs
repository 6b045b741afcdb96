//! Paths of rules as sets of request paths: which wins, whether two meet, whether one holds the other.
//!
//! The order is the server's (OpenBao 2.7, Vault 1.21): an exact path first; then the later first wildcard, no star at
//! the end, fewer `+`, the longer, the greater text.

use std::cmp::Reverse;

#[cfg(test)]
mod tests;

/// The path of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern {
    /// Without the slash that the server drops, a star at the end included.
    pub(crate) text: String,
    segments: Vec<Segment>,
    /// The last segment is the start of one, and anything may follow.
    open: bool,
    /// The server compares it segment by segment, even when its only plus is a literal one.
    by_segment: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Literal(String),
    Any,
    Start(String),
}

/// What decides which of two rules answers; the greater wins.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Rank {
    exact: bool,
    first_wildcard: usize,
    closed: bool,
    plus: Reverse<usize>,
    length: usize,
    text: String,
}

impl Pattern {
    pub(crate) fn new(written: &str) -> Self {
        let text = written.strip_prefix('/').unwrap_or(written);
        let by_segment = text == "+" || text.starts_with("+/") || text.contains("/+");
        let open = text.ends_with('*');
        let body = if open { text.strip_suffix('*').unwrap_or(text) } else { text };
        let count = body.split('/').count();
        let segment = |(index, part): (usize, &str)| match part {
            "+" if by_segment => Segment::Any,
            part if open && index + 1 == count => Segment::Start(part.to_owned()),
            part => Segment::Literal(part.to_owned()),
        };
        let segments = body.split('/').enumerate().map(segment).collect();
        Self { text: text.to_owned(), segments, open, by_segment }
    }

    /// A path of the catalogue: `{name}` is any segment, a last `{path}` any rest.
    pub(crate) fn endpoint(template: &str) -> Self {
        let parts: Vec<&str> = template.split('/').collect();
        let long = |part: &str| matches!(part, "{path}" | "{prefix}" | "{url_lease_id}");
        let open = parts.last().is_some_and(|part| long(part));
        let count = parts.len();
        let segment = |(index, part): (usize, &&str)| match *part {
            _ if open && index + 1 == count => Segment::Start(String::new()),
            part if part.starts_with('{') => Segment::Any,
            part => Segment::Literal(part.to_owned()),
        };
        let segments = parts.iter().enumerate().map(segment).collect();
        Self { text: template.to_owned(), segments, open, by_segment: template.contains('{') }
    }

    /// True for a path without wildcards.
    pub(crate) fn is_exact(&self) -> bool {
        !self.open && !self.by_segment
    }

    /// True when the path ends in a star.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// The text without the star at the end.
    pub(crate) fn body(&self) -> &str {
        if self.open { self.text.strip_suffix('*').unwrap_or(&self.text) } else { &self.text }
    }

    pub(crate) fn rank(&self) -> Rank {
        let body = self.body();
        let first_plus = self.text.find('+').filter(|_| self.by_segment);
        let plus = self.segments.iter().filter(|segment| **segment == Segment::Any).count();
        Rank {
            exact: self.is_exact(),
            first_wildcard: first_plus.unwrap_or(body.len()),
            closed: !self.open,
            plus: Reverse(plus),
            length: body.len(),
            text: body.to_owned(),
        }
    }

    /// True when a request path is one of the pattern's.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let parts = path.split('/').map(|part| Segment::Literal(part.to_owned())).collect();
        let path = Self { text: path.to_owned(), segments: parts, open: false, by_segment: false };
        self.contains(&path)
    }

    /// True when every path of the other is one of this.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.segments.len(), other.segments.len());
        if self.open && theirs < mine || !self.open && (other.open || theirs != mine) {
            return false;
        }
        self.segments.iter().zip(&other.segments).all(|(outer, inner)| match (outer, inner) {
            (Segment::Literal(one), Segment::Literal(other)) => one == other,
            (Segment::Any, Segment::Literal(_) | Segment::Any) => true,
            (Segment::Start(start), Segment::Literal(text) | Segment::Start(text)) => text.starts_with(start.as_str()),
            (Segment::Start(start), Segment::Any) => start.is_empty(),
            _ => false,
        })
    }

    /// A path that is in both, if there is one.
    pub(crate) fn common(&self, other: &Self) -> Option<String> {
        let parts = self.meets(other).then(|| self.pairs(other).map(|(mine, theirs)| both(mine, theirs)))?;
        parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
    }

    /// True when the two have a path in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let length = self.segments.len().max(other.segments.len());
        let fits = |pattern: &Self| pattern.segments.len() == length || pattern.open;
        fits(self) && fits(other) && self.pairs(other).all(|(mine, theirs)| meet(mine, theirs))
    }

    /// The segments of both side by side; behind an open end anything may stand.
    fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Segment, &'a Segment)> {
        let length = self.segments.len().max(other.segments.len());
        let at = |pattern: &'a Self, index: usize| pattern.segments.get(index).unwrap_or(&Segment::Any);
        (0..length).map(move |index| (at(self, index), at(other, index)))
    }

    /// Some path of the pattern.
    pub(crate) fn witness(&self) -> String {
        self.common(self).unwrap_or_default()
    }

    /// The first segments, when they are literal.
    pub(crate) fn literal_segments(&self) -> Vec<&str> {
        let literal = self.segments.iter().map_while(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            _ => None,
        });
        literal.collect()
    }

    /// Number of segments.
    pub(crate) fn depth(&self) -> usize {
        self.segments.len()
    }
}

fn meet(left: &Segment, right: &Segment) -> bool {
    match (left, right) {
        (Segment::Any, _) | (_, Segment::Any) => true,
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        (Segment::Literal(text), Segment::Start(start)) | (Segment::Start(start), Segment::Literal(text)) => {
            text.starts_with(start.as_str())
        }
        (Segment::Start(one), Segment::Start(other)) => {
            one.starts_with(other.as_str()) || other.starts_with(one.as_str())
        }
    }
}

/// A segment that both allow; `x` where any will do.
fn both(left: &Segment, right: &Segment) -> Option<String> {
    let some = |start: &str| match start.chars().last() {
        None | Some('-' | '_' | '.') => format!("{start}x"),
        Some(_) => start.to_owned(),
    };
    match (left, right) {
        (Segment::Literal(one), Segment::Literal(other)) => (one == other).then(|| one.clone()),
        (Segment::Literal(text), Segment::Any) | (Segment::Any, Segment::Literal(text)) => Some(text.clone()),
        (Segment::Literal(text), Segment::Start(start)) | (Segment::Start(start), Segment::Literal(text)) => {
            text.starts_with(start.as_str()).then(|| text.clone())
        }
        (Segment::Any, Segment::Any) => Some("x".to_owned()),
        (Segment::Any, Segment::Start(start)) | (Segment::Start(start), Segment::Any) => Some(some(start)),
        (Segment::Start(one), Segment::Start(other)) => {
            let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
            long.starts_with(short.as_str()).then(|| some(long))
        }
    }
}
