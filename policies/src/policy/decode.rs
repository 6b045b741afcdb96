//! Values as the server's decoder takes them, with its words for what it refuses.

use blinkchamber_hcl::{Body, Item, Kind, Position, Value, go_quote};

use crate::rules::{self, Finding};

/// A value of the wrong type.
#[derive(Debug)]
pub(super) struct Wrong {
    position: Position,
    message: String,
    server: Said,
}

/// What the server's decoder says.
#[derive(Debug)]
enum Said {
    /// Without a place.
    Bare(String),
    /// Behind the value's place; in JSON the server knows none.
    Placed(String),
}

impl Wrong {
    /// The server's words.
    pub(super) fn said(&self) -> String {
        match &self.server {
            Said::Bare(text) => text.clone(),
            Said::Placed(text) => format!("At {}:{}: {text}", self.position.line, self.position.column),
        }
    }

    pub(super) fn finding(self, prefix: &str, json: bool) -> Finding {
        let said = match self.server {
            Said::Bare(text) => text,
            Said::Placed(text) if json => format!("At -: {text}"),
            Said::Placed(text) => format!("At {}:{}: {text}", self.position.line, self.position.column),
        };
        let rule = if said.starts_with("strconv") { rules::BAD_LIMIT } else { rules::WRONG_TYPE };
        Finding::new(rule, self.position, self.message).refused(format!("failed to parse policy: {prefix}{said}"))
    }
}

/// A string; numbers count as strings.
pub(super) fn string(value: &Value, name: &str) -> Result<String, Wrong> {
    match &value.kind {
        Kind::String(text) => Ok(text.clone()),
        Kind::Number(text) if !is_float(text) => Ok(text.clone()),
        _ => {
            let said = format!("{name}: unknown type for string {}", go_type(value));
            Err(wrong(value.position, format!("a string was expected, not {}", noun(value)), said))
        }
    }
}

/// The strings of a list. (An empty block passes for an empty list.)
pub(super) fn strings(item: &Item, name: &str) -> Result<Vec<(String, Position)>, Wrong> {
    match &value(item).kind {
        Kind::List(list) => {
            let string =
                |(index, value): (usize, &Value)| Ok((string(value, &format!("{name}[{index}]"))?, value.position));
            list.iter().enumerate().map(string).collect()
        }
        Kind::Object(Body { items }) => match items.first().and_then(|item| item.keys.first()) {
            None => Ok(Vec::new()),
            Some(key) => {
                let said = format!("{name}[0]: unknown type for string *ast.ObjectItem");
                Err(wrong(key.position, "a list of strings was expected, not a block".to_owned(), said))
            }
        },
        _ => {
            let message = format!("a list of strings was expected, not {}: write [\"...\"]", noun(&item.value));
            Err(wrong(item.value.position, message, "unknown slice type: *ast.LiteralType".to_owned()))
        }
    }
}

/// A map from names to lists of values.
pub(super) fn parameters(item: &Item, key: &str) -> Result<(), Wrong> {
    let value = value(item);
    let Kind::Object(body) = &value.kind else {
        let said = format!("root.{key}: not an object type for map ({})", go_type(&value));
        return Err(wrong(value.position, format!("{key} takes {{ name = [\"value\"] }}, not {}", noun(&value)), said));
    };
    for item in &body.items {
        if let [name, label, ..] = item.keys.as_slice() {
            let message = format!("{} takes a list, not a labelled block", name.text);
            let said = format!("root.{key}.{}[0]: cannot decode into interface: *ast.ObjectItem", name.text);
            return Err(Wrong { position: label.position, message, server: Said::Bare(said) });
        }
        if !matches!(item.value.kind, Kind::List(_) | Kind::Object(_)) {
            let name = item.keys.first().map_or("", |key| key.text.as_str());
            let message = format!("the values of {name} are a list: {name} = [\"value\"], or [] for any");
            return Err(wrong(item.value.position, message, "unknown slice type: *ast.LiteralType".to_owned()));
        }
    }
    Ok(())
}

/// A whole number, possibly in a string.
pub(super) fn integer(value: &Value, name: &str) -> Result<i64, Wrong> {
    match &value.kind {
        Kind::Number(text) | Kind::String(text) if !(is_float(text) && matches!(value.kind, Kind::Number(_))) => {
            go_integer(text).ok_or_else(|| Wrong {
                position: value.position,
                message: format!("{text:?} is no whole number"),
                server: Said::Bare(format!("strconv.ParseInt: parsing {}: invalid syntax", go_quote(text))),
            })
        }
        _ => {
            let message = format!("a whole number was expected, not {}", noun(value));
            Err(wrong(value.position, message, format!("{name}: unknown type {}", go_type(value))))
        }
    }
}

/// An item's value; labels behind the key count as objects around it.
pub(super) fn value(item: &Item) -> Value {
    let mut value = item.value.clone();
    for key in item.keys.iter().skip(1).rev() {
        let inner = Item { keys: vec![key.clone()], value, assigned: item.assigned };
        value = Value { position: key.position, kind: Kind::Object(Body { items: vec![inner] }) };
    }
    value
}

/// Go's `strconv.ParseInt` with base 0: `0x` is hexadecimal, a leading 0 octal.
pub(super) fn go_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let sign = if negative { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// `1 error occurred:` and a line for each, as the server lists them.
pub(super) fn errors(lines: &[String]) -> String {
    let count = if lines.len() == 1 { "1 error".to_owned() } else { format!("{} errors", lines.len()) };
    let lines: String = lines.iter().map(|line| format!("\t* {line}\n")).collect();
    format!("{count} occurred:\n{lines}\n")
}

/// The server's words for an unknown key; it knows the line of the `=` only.
pub(super) fn invalid_key(item: &Item) -> String {
    let key = item.keys.first().map_or("", |key| key.text.as_str());
    let line = item.keys.last().filter(|_| item.assigned).map_or(0, |key| key.position.line);
    format!("invalid key {} on line {line}", go_quote(key))
}

/// What the server's parser calls the node.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value.kind {
        Kind::List(_) => "*ast.ListType",
        Kind::Object(_) => "*ast.ObjectType",
        _ => "*ast.LiteralType",
    }
}

pub(super) fn is_float(number: &str) -> bool {
    !number.to_ascii_lowercase().contains('x') && number.contains(['.', 'e', 'E'])
}

fn noun(value: &Value) -> &'static str {
    match value.kind {
        Kind::Bool(_) => "a boolean",
        Kind::Null => "null",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a string",
        Kind::List(_) => "a list",
        Kind::Object(_) => "a block",
    }
}

fn wrong(position: Position, message: String, said: String) -> Wrong {
    Wrong { position, message, server: Said::Placed(said) }
}
