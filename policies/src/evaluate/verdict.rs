//! Why one rule wins over another that matches the same path.

use std::fmt;

use super::{Candidate, Kind};

/// What made the difference, in the order in which the servers look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// The winner names the whole path.
    Exact,
    /// It matches with or without the slash at the end of a list only, which is looked at later.
    Slash,
    /// Its first wildcard comes earlier.
    FirstWildcard,
    /// It ends in a star, the winner does not.
    Star,
    /// It has more segments that are `+`.
    Segments,
    /// It is shorter.
    Shorter,
    /// It comes first in the order of the bytes.
    Order,
}

impl Loss {
    /// Why the second of two candidates loses.
    #[must_use]
    pub fn between(winner: &Candidate<'_>, loser: &Candidate<'_>) -> Self {
        if winner.rule.pattern.kind == Kind::Exact && loser.rule.pattern.kind != Kind::Exact {
            return Self::Exact;
        }
        if winner.without_slash != loser.without_slash {
            return Self::Slash;
        }
        let (better, worse) = (winner.rule.pattern.precedence(), loser.rule.pattern.precedence());
        if better.first_wildcard != worse.first_wildcard {
            Self::FirstWildcard
        } else if better.closed != worse.closed {
            Self::Star
        } else if better.segments != worse.segments {
            Self::Segments
        } else if better.length != worse.length {
            Self::Shorter
        } else {
            Self::Order
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exact => "the winner names the whole path",
            Self::Slash => "the other form of the path, with or without the slash at its end, is looked at first",
            Self::FirstWildcard => "its first wildcard comes earlier (rule 1)",
            Self::Star => "it ends in a star, the winner does not (rule 2)",
            Self::Segments => "it has more + segments (rule 3)",
            Self::Shorter => "it is shorter (rule 4)",
            Self::Order => "it comes earlier in the order of the bytes (rule 5)",
        })
    }
}
