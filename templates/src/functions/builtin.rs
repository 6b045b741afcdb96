//! Go's own functions.

use super::{Args, functions};
use crate::error::Fault;
use crate::eval::Eval;
use crate::format;
use crate::value::{Float, IntType, Key, ListType, MapType, UintType, Value};

functions! {
    // The evaluator cuts these two short; the bodies only stand for their names.
    "and"(Operand; Operand) |_, args| Ok(args.value(args.len() - 1));
    "or"(Operand; Operand) |_, args| Ok(args.value(args.len() - 1));
    "not"(Operand) |_, args| Ok(Value::Bool(!args.value(0).truth()));
    "call"(Operand; Operand) |_, args| Err(args.fail("a template holds no function values to call"));
    "html"(; Any) |_, args| Ok(Value::text(html(&joined(args.rest(0))?)));
    "index"(Operand; Operand) index;
    "js"(; Any) |_, args| Ok(Value::text(js(&joined(args.rest(0))?)));
    "len"(Operand) len;
    "print"(; Any) |_, args| Ok(Value::text(format::sprint(args.rest(0))?));
    "printf"(Text; Any) |_, args| Ok(Value::text(format::sprintf(&args.text(0), args.rest(1))?));
    "println"(; Any) |_, args| Ok(Value::text(format::sprintln(args.rest(0))?));
    "slice"(Operand; Operand) slice;
    "urlquery"(; Any) |_, args| Ok(Value::text(url_query(&joined(args.rest(0))?)));
}

/// What the escapers work on: one string as it is, else what would be printed.
fn joined(values: &[Value<'_>]) -> Result<Vec<u8>, Fault> {
    if let [Value::Text(text)] = values {
        return Ok(text.to_vec());
    }
    format::sprint(&values.iter().map(printable).collect::<Vec<_>>())
}

fn printable<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Invalid | Value::NilInterface => Value::text("<no value>"),
        // Printable values are looked at through their pointer.
        Value::Record(record) if record.is_pointer => Value::record(record.type_name, false, record.fields.clone()),
        _ => value.clone(),
    }
}

fn html(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(*byte),
        }
    }
    out
}

fn js(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            _ if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            _ if c.is_ascii() => out.push(c),
            _ if c.is_control() || (c.is_whitespace()) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// Go's `url.QueryEscape`.
pub(super) fn url_query(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn len<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let length = match args.value(0) {
        Value::Number(text) | Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.borrow().len(),
        Value::Loop(_) => 0,
        other => return Err(args.fail(format!("a value of type {} has no length", other.type_name()))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let mut item = args.value(0);
    if item.is_nothing() {
        return Err(args.fail("index of nil"));
    }
    for index in args.rest(1) {
        item = match &item {
            Value::List(list) => list.items.get(position(&args, index, list.items.len())?).cloned(),
            Value::Number(text) | Value::Text(text) => {
                let byte = text.get(position(&args, index, text.len())?);
                byte.map(|byte| Value::Uint((*byte).into(), UintType::Uint8))
            }
            Value::Map(map) => {
                let key = map_key(&args, index, map.of)?;
                let zero = if map.of == MapType::Text { Value::text("") } else { Value::NilInterface };
                Some(key.and_then(|key| map.entries.borrow().get(&key).cloned()).unwrap_or(zero))
            }
            Value::Invalid | Value::NilInterface | Value::NilPointer(_) => return Err(args.fail("index of nil")),
            other => return Err(args.fail(format!("a value of type {} has no elements", other.type_name()))),
        }
        .ok_or_else(|| args.fail("the index is out of range"))?;
    }
    Ok(item)
}

/// An index of a list or a text.
fn position(args: &Args<'_>, index: &Value<'_>, length: usize) -> Result<usize, Fault> {
    let position = match index {
        Value::Int(number, _) => usize::try_from(*number).ok(),
        Value::Uint(number, _) => usize::try_from(*number).ok(),
        other => return Err(args.fail(format!("an index is a number, not a value of type {}", other.type_name()))),
    };
    position.filter(|position| *position <= length).ok_or_else(|| args.fail("the index is out of range"))
}

fn map_key<'a>(args: &Args<'a>, index: &Value<'a>, of: MapType) -> Result<Option<Key<'a>>, Fault> {
    let key = match (of, index) {
        (_, Value::Text(text)) => Key::Text(text.clone()),
        (MapType::Keyed, Value::Int(number, IntType::Int)) => Key::Int(*number),
        (MapType::Keyed, Value::Uint(number, _)) => Key::Uint(*number),
        (MapType::Keyed, Value::Bool(truth)) => Key::Bool(*truth),
        (MapType::Keyed, Value::Float(number)) => Key::Float(Float(*number)),
        (MapType::Keyed, Value::Invalid | Value::NilInterface) => Key::Nil,
        // Another type equals no key that YAML makes.
        (MapType::Keyed, _) => return Ok(None),
        (_, other) => return Err(args.fail(format!("a key is a string, not a value of type {}", other.type_name()))),
    };
    Ok(Some(key))
}

fn slice<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let indexes = args.rest(1);
    let length = match args.value(0) {
        Value::Number(text) | Value::Text(text) => {
            if indexes.len() > 2 {
                return Err(args.fail("a string takes two indexes at most"));
            }
            text.len()
        }
        Value::List(list) if indexes.len() <= 3 => list.items.len(),
        other => return Err(args.fail(format!("a value of type {} cannot be sliced so", other.type_name()))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(&args, index, length)?;
    }
    let [start, end, capacity] = bounds;
    if start > end || end > capacity {
        return Err(args.fail("the indexes are not in order"));
    }
    Ok(match args.value(0) {
        Value::Number(text) => Value::Number(text.get(start..end).unwrap_or_default().to_vec().into()),
        Value::Text(text) => Value::text(text.get(start..end).unwrap_or_default().to_vec()),
        Value::List(list) => {
            let of: ListType = list.of;
            Value::list_of(of, list.items.get(start..end).unwrap_or_default().to_vec())
        }
        other => other,
    })
}
