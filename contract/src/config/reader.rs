//! Typed access to the items of a block, with errors that say where and what.

use std::collections::BTreeMap;

use blinkchamber_hcl::{Body, Item, Key, Kind, Position, Value};
use serde_json::Number;

use crate::annotations::values::{boolean, seconds};
use crate::config::ReadError;

/// The items of one block, where it stands and how it is called in errors.
#[derive(Clone)]
pub(super) struct Block<'a> {
    file: &'a str,
    /// `auto_auth.method`; empty at the top.
    path: String,
    position: Position,
    labels: Vec<&'a str>,
    body: &'a Body,
}

impl<'a> Block<'a> {
    pub(super) fn top(file: &'a str, body: &'a Body) -> Self {
        let position = Position { line: 1, column: 1, offset: 0 };
        Self { file, path: String::new(), position, labels: Vec::new(), body }
    }

    /// The keys of the block's items, in source order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.body.items.iter().filter_map(|item| item.keys.first())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys().any(|found| found.text == key)
    }

    /// Refuses every key that is not in the list.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ReadError> {
        match self.keys().find(|key| !known.contains(&key.text.as_str())) {
            Some(key) => Err(self.error_at(key, &format!("is unknown: expected one of {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    /// The blocks of this name: objects, or lists of objects.
    pub(super) fn blocks(&self, key: &str) -> Result<Vec<Self>, ReadError> {
        let mut found = Vec::new();
        for item in self.items(key) {
            let labels: Vec<&'a str> = item.keys.iter().skip(1).map(|key| key.text.as_str()).collect();
            let values = match &item.value.kind {
                Kind::List(values) => values.iter().collect(),
                Kind::Null => Vec::new(),
                _ => vec![&item.value],
            };
            for value in values {
                let Kind::Object(body) = &value.kind else {
                    return Err(self.error_in(key, value.position, &expected("a block", value)));
                };
                let (path, labels) = (self.path_of(key), labels.clone());
                found.push(Self { file: self.file, path, position: value.position, labels, body });
            }
        }
        Ok(found)
    }

    /// The block of this name, which stands at most once.
    pub(super) fn one(&self, key: &str) -> Result<Option<Self>, ReadError> {
        let mut blocks = self.blocks(key)?;
        match blocks.get(1) {
            Some(second) => Err(self.error_in(key, second.position, "stands more than once: expected one block")),
            None => Ok(blocks.pop()),
        }
    }

    /// A block's kind, which is its label or the text of `key`, and the block that holds its settings: in JSON a label
    /// is an object around them.
    pub(super) fn labelled(&self, key: &str) -> Result<(String, Self), ReadError> {
        if let Some(label) = self.labels.first() {
            return Ok(((*label).to_owned(), self.clone()));
        }
        if let Some(kind) = self.text(key)?.filter(|kind| !kind.is_empty()) {
            return Ok((kind, self.clone()));
        }
        let mut keys = self.keys();
        if let (Some(label), None) = (keys.next(), keys.next())
            && let Some(inner) = self.one(&label.text)?
        {
            return Ok((label.text.clone(), Self { path: self.path.clone(), ..inner }));
        }
        Err(self.error(key, "is missing: expected a text, or a label behind the block's name"))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, ReadError> {
        self.scalar(key, "a text", |value| match &value.kind {
            Kind::String(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(flag) => Some(flag.to_string()),
            _ => None,
        })
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ReadError> {
        self.scalar(key, "true or false", |value| match &value.kind {
            Kind::Bool(flag) => Some(*flag),
            Kind::String(text) | Kind::Number(text) => boolean(text),
            _ => None,
        })
    }

    /// A Go duration or whole seconds, as a Go duration.
    pub(super) fn duration(&self, key: &str) -> Result<Option<String>, ReadError> {
        let read = self.scalar(key, "a duration such as 30s or 5m, or whole seconds", |value| match &value.kind {
            Kind::String(text) if text.is_empty() => Some(String::new()),
            Kind::String(text) | Kind::Number(text) => {
                seconds(text)?;
                let bare = text.bytes().all(|byte| byte.is_ascii_digit()) && text != "0";
                Some(if bare { format!("{text}s") } else { text.clone() })
            }
            _ => None,
        })?;
        Ok(read.filter(|text| !text.is_empty()))
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, ReadError> {
        self.scalar(key, "a whole number", |value| match &value.kind {
            Kind::Number(text) | Kind::String(text) => integer(text),
            _ => None,
        })
    }

    pub(super) fn float(&self, key: &str) -> Result<Option<f64>, ReadError> {
        self.scalar(key, "a number", |value| match &value.kind {
            Kind::Number(text) | Kind::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        })
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, ReadError> {
        let text = |value: &Value| match &value.kind {
            Kind::String(text) | Kind::Number(text) => Some(text.clone()),
            _ => None,
        };
        let read = self.scalar(key, "a list of texts", |value| match &value.kind {
            Kind::List(values) => values.iter().map(text).collect(),
            _ => text(value).map(|text| vec![text]),
        })?;
        Ok(read.unwrap_or_default())
    }

    /// Every item as a JSON text, number or boolean.
    pub(super) fn scalars(&self) -> Result<BTreeMap<String, serde_json::Value>, ReadError> {
        let mut read = BTreeMap::new();
        for key in self.keys() {
            let value = self.scalar(&key.text, "a text, a number or a boolean", |value| match &value.kind {
                Kind::String(text) => Some(text.as_str().into()),
                Kind::Bool(flag) => Some((*flag).into()),
                Kind::Number(text) => number(text).map(serde_json::Value::Number),
                _ => None,
            })?;
            if let Some(value) = value {
                read.insert(key.text.clone(), value);
            }
        }
        Ok(read)
    }

    pub(super) fn error(&self, key: &str, message: &str) -> ReadError {
        let position = self.keys().find(|found| found.text == key).map_or(self.position, |found| found.position);
        self.error_in(key, position, message)
    }

    pub(super) fn error_at(&self, key: &Key, message: &str) -> ReadError {
        self.error_in(&key.text, key.position, message)
    }

    pub(super) fn warning(&self, key: &str, message: &str) -> String {
        self.error(key, message).to_string()
    }

    pub(super) fn warning_at(&self, key: &Key, message: &str) -> String {
        self.error_at(key, message).to_string()
    }

    fn error_in(&self, key: &str, position: Position, message: &str) -> ReadError {
        ReadError { file: self.file.to_owned(), position, key: self.path_of(key), message: message.to_owned() }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn items(&self, key: &str) -> impl Iterator<Item = &'a Item> {
        self.body.items.iter().filter(move |item| item.keys.first().is_some_and(|found| found.text == key))
    }

    /// The last value of a key, as HCL decides between several; `null` is none.
    fn scalar<T>(&self, key: &str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, ReadError> {
        let Some(item) = self.items(key).last().filter(|item| item.value.kind != Kind::Null) else { return Ok(None) };
        match read(&item.value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.error_in(key, item.value.position, &expected(wanted, &item.value))),
        }
    }
}

/// What was found and what would have been right; a text is not shown, it could be anything.
fn expected(wanted: &str, value: &Value) -> String {
    let found = match &value.kind {
        Kind::Bool(_) => "a boolean",
        Kind::Null => "null",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a text",
        Kind::List(_) => "a list",
        Kind::Object(_) => "a block",
    };
    if found == wanted {
        format!("this text is not accepted: expected {wanted}")
    } else {
        format!("{found} where {wanted} is expected")
    }
}

/// A whole number as HCL reads it: a leading 0 is octal, 0x hexadecimal.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (base, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (16, hexadecimal),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let number = i64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['+', '-']))?;
    Some(if negative { -number } else { number })
}

fn number(text: &str) -> Option<Number> {
    integer(text).map(Number::from).or_else(|| text.parse().ok().and_then(Number::from_f64))
}
