//! JSON as the server wrote it: a number keeps its digits.
//!
//! `serde_json::Value` turns `1.10` into `1.1`; Go's agents print what was sent. Its `arbitrary_precision` feature would
//! keep the digits, but features add up over a workspace and that one breaks untagged enums elsewhere.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// Values nested deeper than this are refused, so that no answer can exhaust the stack.
const MAX_DEPTH: usize = 100;

/// A JSON value that holds secrets: no `Debug`, no `Serialize`; strings and numbers are wiped when dropped.
#[derive(Clone, Eq, PartialEq)]
pub enum Json {
    /// `[...]`.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A number, digit for digit.
    Number(Zeroizing<String>),
    /// `{...}`; of a key given twice the last value stays, as in Go.
    Object(BTreeMap<String, Self>),
    /// `"..."`, decoded.
    String(Zeroizing<String>),
}

/// The text is not JSON. Says where, never what.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// More than 100 levels.
    #[error("parsing JSON: values are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A syntax error.
    #[error("parsing JSON: syntax error at line {line}, column {column}")]
    Syntax {
        /// 1-based.
        line: usize,
        /// 1-based, in bytes.
        column: usize,
    },
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax { line: error.line(), column: error.column() }
    }
}

impl Json {
    /// Reads a whole JSON text. Bytes that are not UTF-8 become U+FFFD, as in Go.
    ///
    /// # Errors
    /// Text that is not one JSON value, or one nested deeper than 100 levels.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
        read(serde_json::from_str(&text)?, MAX_DEPTH)
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A number that is a whole, non-negative one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
}

fn read(raw: &RawValue, depth: usize) -> Result<Json, JsonError> {
    let depth = depth.checked_sub(1).ok_or(JsonError::TooDeep)?;
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| Ok((key, read(value, depth)?)))
                    .collect::<Result<_, JsonError>>()?,
            )
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Json::Array(items.into_iter().map(|item| read(item, depth)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::String(Zeroizing::new(serde_json::from_str(text)?)),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') => Json::Null,
        _ => Json::Number(Zeroizing::new(text.to_owned())),
    })
}

#[cfg(test)]
mod tests;
