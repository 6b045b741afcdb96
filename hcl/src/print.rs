//! Writing HCL text that the servers read back as what was meant.

use std::fmt::Write as _;

use crate::{Body, Item, Kind, Value};

#[cfg(test)]
mod tests;

/// Why something cannot be written as HCL 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrintError {
    /// A string with a control character: it would be invisible in a review.
    #[error("{0:?} holds a control character")]
    Control(String),
    /// A value that HCL text has no form for.
    #[error("{0} has a null value, which HCL text cannot say")]
    Null(String),
}

/// Writes items as blocks, sorted by their keys, each under its comment lines; lists stand on one line.
///
/// # Errors
/// [`PrintError`] for a control character in a key, a string or a comment, and for a JSON null.
pub fn print<'a>(items: impl IntoIterator<Item = (&'a [String], &'a Item)>) -> Result<String, PrintError> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort_by(|(_, left), (_, right)| names(left).cmp(names(right)));
    let mut out = String::new();
    for (index, (comments, item)) in items.into_iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for comment in comments {
            let comment = checked(comment)?;
            let _ = writeln!(out, "# {comment}");
        }
        write_item(&mut out, item, 0)?;
    }
    Ok(out)
}

/// A quoted string that reads back as `text`.
///
/// Only `"` and `\` are escaped, so that a reviewer sees the path that is meant. `${` stands for itself in HCL 1 unless a
/// quote or a backslash follows in it; then it is written `\u0024{`, which no reader takes for the start of anything.
///
/// # Errors
/// [`PrintError::Control`] when the text holds a control character.
pub fn quote(text: &str) -> Result<String, PrintError> {
    let text = checked(text)?;
    let plain = text.find("${").is_none_or(|start| {
        let behind = text.get(start..).unwrap_or_default();
        !behind.contains(['"', '\\']) && balanced(behind)
    });
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut reader = text.chars().peekable();
    while let Some(read) = reader.next() {
        match read {
            '"' | '\\' => out.extend(['\\', read]),
            '$' if !plain && reader.peek() == Some(&'{') => out.push_str("\\u0024"),
            _ => out.push(read),
        }
    }
    out.push('"');
    Ok(out)
}

fn checked(text: &str) -> Result<&str, PrintError> {
    if text.chars().any(|read| read.is_control() || read == '\u{e123}') {
        return Err(PrintError::Control(text.to_owned()));
    }
    Ok(text)
}

/// True when every `${` closes: the servers do not look for quotes until it does.
fn balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut before = ' ';
    for read in text.chars() {
        match read {
            '{' if depth > 0 || before == '$' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = read;
    }
    depth == 0
}

fn names(item: &Item) -> impl Iterator<Item = &str> {
    item.keys.iter().map(|key| key.text.as_str())
}

fn write_item(out: &mut String, item: &Item, depth: usize) -> Result<(), PrintError> {
    let indent = "  ".repeat(depth);
    out.push_str(&indent);
    for (index, name) in names(item).enumerate() {
        if index == 0 && is_word(name) {
            out.push_str(name);
        } else {
            if index > 0 {
                out.push(' ');
            }
            out.push_str(&quote(name)?);
        }
    }
    let block = matches!(item.value.kind, Kind::Object(_)) && !item.assigned;
    out.push_str(if block { " " } else { " = " });
    write_value(out, &item.value, depth, names(item).next().unwrap_or_default())?;
    out.push('\n');
    Ok(())
}

fn write_value(out: &mut String, value: &Value, depth: usize, name: &str) -> Result<(), PrintError> {
    match &value.kind {
        Kind::Bool(true) => out.push_str("true"),
        Kind::Bool(false) => out.push_str("false"),
        Kind::Null => return Err(PrintError::Null(name.to_owned())),
        Kind::Number(number) => out.push_str(checked(number)?),
        Kind::String(text) => out.push_str(&quote(text)?),
        Kind::List(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, value, depth, name)?;
            }
            out.push(']');
        }
        Kind::Object(Body { items }) if items.is_empty() => out.push_str("{}"),
        Kind::Object(Body { items }) => {
            out.push_str("{\n");
            for item in items {
                write_item(out, item, depth + 1)?;
            }
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
    }
    Ok(())
}

/// True for a name that needs no quotes.
fn is_word(name: &str) -> bool {
    let mut reader = name.chars();
    reader.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && reader.all(|read| read.is_ascii_alphanumeric() || matches!(read, '_' | '-' | '.'))
        && !matches!(name, "true" | "false")
}

/// True when two bodies mean the same, wherever their parts stand.
pub(crate) fn same(left: &Body, right: &Body) -> bool {
    left.items.len() == right.items.len()
        && left.items.iter().zip(&right.items).all(|(left, right)| {
            names(left).eq(names(right)) && left.assigned == right.assigned && same_value(&left.value, &right.value)
        })
}

fn same_value(left: &Value, right: &Value) -> bool {
    match (&left.kind, &right.kind) {
        (Kind::Object(left), Kind::Object(right)) => same(left, right),
        (Kind::List(left), Kind::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right))
        }
        (left, right) => left == right,
    }
}
