//! Go's `encoding/json`.

use crate::eval::MAX_BYTES;
use crate::float;
use crate::json::Json;
use crate::text::Text;
use crate::value::{Key, MAX_DEPTH, MapType, Value};

/// How to write.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// `<`, `>` and `&` as `\u003c`, `\u003e`, `\u0026`.
    pub(crate) escape_html: bool,
    /// Two spaces a level.
    pub(crate) pretty: bool,
}

/// Reads JSON the way `parseJSON` does: numbers become floats. `None` when it is not JSON.
pub(crate) fn decode<'a>(text: &[u8]) -> Option<Value<'a>> {
    owned(&Json::parse(text).ok()?)
}

fn owned<'a>(json: &Json) -> Option<Value<'a>> {
    Some(match json {
        Json::Array(items) => Value::list(items.iter().map(owned).collect::<Option<_>>()?),
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Null => Value::NilInterface,
        Json::Number(digits) => Value::Float(digits.parse().ok().filter(|number: &f64| number.is_finite())?),
        Json::Object(members) => {
            let entries = members.iter().map(|(key, value)| Some((Key::Text(key.clone().into()), owned(value)?)));
            Value::map(MapType::Any, entries.collect::<Option<_>>()?)
        }
        Json::String(text) => Value::text(text.to_string()),
    })
}

/// Writes a value.
///
/// # Errors
/// What JSON cannot say: maps whose keys are not all text, infinite numbers, channels.
pub(crate) fn encode(value: &Value<'_>, style: Style) -> Result<String, &'static str> {
    let mut out = String::new();
    write(&mut out, value, style, 0)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value<'_>, style: Style, depth: usize) -> Result<(), &'static str> {
    if depth > MAX_DEPTH {
        return Err("the value is nested too deep");
    }
    if out.len() > MAX_BYTES {
        return Err("the text would be larger than 16 MiB");
    }
    match value {
        Value::Invalid | Value::NilInterface | Value::NilPointer(_) => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Float(number) if number.is_finite() => out.push_str(&float::json(*number)),
        Value::Float(_) => return Err("JSON has no infinite numbers"),
        Value::Int(number, _) => out.push_str(&number.to_string()),
        Value::Uint(number, _) => out.push_str(&number.to_string()),
        Value::Number(digits) => {
            out.push_str(if digits.is_empty() { "0" } else { std::str::from_utf8(digits).unwrap_or("0") })
        }
        Value::Text(text) => quote(out, text, style.escape_html),
        Value::Time(moment) => quote(out, moment.format("2006-01-02T15:04:05.999999999Z07:00").as_bytes(), false),
        Value::List(list) if list.is_nil => out.push_str("null"),
        Value::List(list) => {
            let items: Vec<(Option<Text<'_>>, &Value<'_>)> = list.items.iter().map(|item| (None, item)).collect();
            block(out, ('[', ']'), &items, style, depth)?;
        }
        Value::Map(map) if map.is_nil => out.push_str("null"),
        Value::Map(map) if map.of == MapType::Keyed => {
            return Err("JSON has no map[interface {}]interface {}, which is what parseYAML gives");
        }
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let mut members = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                let Key::Text(key) = key else { return Err("a key is not text") };
                members.push((Some(key.clone()), value));
            }
            block(out, ('{', '}'), &members, style, depth)?;
        }
        Value::Record(record) => {
            let members: Vec<_> = record.fields.iter().map(|(name, value)| (Some(Text::from(*name)), value)).collect();
            block(out, ('{', '}'), &members, style, depth)?;
        }
        Value::Scratch => out.push_str("{}"),
        Value::Loop(_) => return Err("JSON has no channels"),
    }
    Ok(())
}

fn block(
    out: &mut String,
    (open, close): (char, char),
    members: &[(Option<Text<'_>>, &Value<'_>)],
    style: Style,
    depth: usize,
) -> Result<(), &'static str> {
    out.push(open);
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        line(out, style, depth + 1);
        if let Some(key) = key {
            quote(out, key, style.escape_html);
            out.push_str(if style.pretty { ": " } else { ":" });
        }
        write(out, value, style, depth + 1)?;
    }
    if !members.is_empty() {
        line(out, style, depth);
    }
    out.push(close);
    Ok(())
}

fn line(out: &mut String, style: Style, depth: usize) {
    if style.pretty {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

fn quote(out: &mut String, text: &[u8], escape_html: bool) {
    out.push('"');
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' if escape_html => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}
