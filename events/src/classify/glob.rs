//! Globs: `*` stands for any characters, also none and also dots; everything else for itself.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// A pattern that was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Glob(String);

impl Glob {
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a glob must not be empty; `*` matches every type".into());
        }
        if text.contains("**") {
            return Err(format!("glob {text:?}: `*` matches dots too, so write one star, not two"));
        }
        let stranger = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*')));
        match stranger {
            Some(c) => {
                Err(format!("glob {text:?}: {c:?} does not occur in types; letters, digits, `.`, `_`, `-` and `*` do"))
            }
            None => Ok(Self(text.to_owned())),
        }
    }

    pub(crate) fn matches(&self, kind: &str) -> bool {
        matches(self.0.as_bytes(), kind.as_bytes())
    }

    /// Whether every type that `other` matches is matched by this one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // A star of the other stands in the text as a character that only a star of ours can take.
        matches(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Goes on greedily and comes back to the last star: linear but for the stars.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen, mut star) = (0, 0, None);
    while let Some(byte) = text.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(expected) if expected == byte => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    at = back + 1;
                    seen = from + 1;
                    star = Some((back, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}
