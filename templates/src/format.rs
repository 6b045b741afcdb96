//! Values as Go's `fmt` prints them.

use crate::error::Fault;
use crate::eval::MAX_BYTES;
use crate::text::Text;
use crate::value::{MAX_DEPTH, Record, Value};

mod flags;
mod number;
mod printf;
mod quote;

pub(crate) use flags::Flags;
pub(crate) use printf::sprintf;
pub(crate) use quote::quoted;

const NIL: &[u8] = b"<nil>";

/// What `{{ value }}` puts into the output.
pub(crate) fn printed(value: &Value<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    match value {
        Value::Invalid | Value::NilInterface => out.extend_from_slice(b"<no value>"),
        Value::Loop(_) | Value::Scratch => {
            return Err(Fault::WrongType { wanted: "a value that can be printed", got: value.type_name() });
        }
        Value::Record(record) if stringer(record).is_some() => argument(&mut out, value, 'v', &Flags::default())?,
        // Unlike an argument of print, what is printed directly is looked at through its pointer.
        Value::Record(record) => structure(&mut out, &record.fields, record.type_name, 'v', &Flags::default(), 0)?,
        _ => argument(&mut out, value, 'v', &Flags::default())?,
    }
    Ok(out)
}

/// Go's `fmt.Sprint`: a space between two operands when neither is a string.
pub(crate) fn sprint(values: &[Value<'_>]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut after_text = true;
    for (index, value) in values.iter().enumerate() {
        let is_text = value.string_kind().is_some();
        if index > 0 && !is_text && !after_text {
            out.push(b' ');
        }
        argument(&mut out, value, 'v', &Flags::default())?;
        after_text = is_text;
    }
    Ok(out)
}

/// Go's `fmt.Sprintln`.
pub(crate) fn sprintln(values: &[Value<'_>]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        argument(&mut out, value, 'v', &Flags::default())?;
    }
    out.push(b'\n');
    Ok(out)
}

/// One operand of a verb.
pub(crate) fn argument(out: &mut Vec<u8>, value: &Value<'_>, verb: char, flags: &Flags) -> Result<(), Fault> {
    match (verb, value) {
        ('T', Value::Invalid | Value::NilInterface) => flags.pad(out, NIL),
        ('T', _) => drop(quote::text(out, full_type_name(value).as_bytes(), 's', flags)),
        ('v', Value::Invalid | Value::NilInterface) => flags.pad(out, NIL),
        (_, Value::Invalid | Value::NilInterface) => out.extend_from_slice(format!("%!{verb}(<nil>)").as_bytes()),
        _ => return nested(out, value, verb, flags, 0),
    }
    Ok(())
}

/// `%T`: a template holds some structs by pointer.
fn full_type_name(value: &Value<'_>) -> String {
    match value {
        Value::Record(record) if record.is_pointer => format!("*{}", record.type_name),
        Value::NilPointer(name) => format!("*{name}"),
        _ => value.type_name().to_owned(),
    }
}

fn nested(out: &mut Vec<u8>, value: &Value<'_>, verb: char, flags: &Flags, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Limit("depth of data: 200 levels"));
    }
    if out.len() > MAX_BYTES {
        return Err(Fault::Limit("a string: 16 MiB"));
    }
    match value {
        Value::Invalid | Value::NilInterface if flags.sharp_v => out.extend_from_slice(b"interface {}(nil)"),
        Value::Invalid | Value::NilInterface => out.extend_from_slice(NIL),
        Value::NilPointer(name) if flags.sharp_v => out.extend_from_slice(format!("(*{name})(nil)").as_bytes()),
        Value::NilPointer(_) if verb == 'v' => flags.pad(out, NIL),
        Value::NilPointer(_) => bad_verb(out, value, verb, flags)?,
        Value::Bool(truth) if matches!(verb, 't' | 'v') => flags.pad(out, truth.to_string().as_bytes()),
        Value::Bool(_) => bad_verb(out, value, verb, flags)?,
        Value::Int(int, _) => {
            if !number::integer(out, int.unsigned_abs(), *int < 0, true, verb, flags) {
                bad_verb(out, value, verb, flags)?;
            }
        }
        Value::Uint(uint, _) => {
            if !number::integer(out, *uint, false, false, verb, flags) {
                bad_verb(out, value, verb, flags)?;
            }
        }
        Value::Float(float) => {
            if !number::float(out, *float, verb, flags) {
                bad_verb(out, value, verb, flags)?;
            }
        }
        Value::Number(text) | Value::Text(text) => {
            if !quote::text(out, text, verb, flags) {
                bad_verb(out, value, verb, flags)?;
            }
        }
        Value::Time(moment) => {
            if !quote::text(out, moment.display().as_bytes(), verb, flags) {
                bad_verb(out, value, verb, flags)?;
            }
        }
        Value::List(list) => {
            let (open, close, between): (&[u8], u8, &[u8]) =
                if flags.sharp_v { (b"{", b'}', b", ") } else { (b"[", b']', b" ") };
            if flags.sharp_v {
                out.extend_from_slice(value.type_name().as_bytes());
                if list.is_nil {
                    out.extend_from_slice(b"(nil)");
                    return Ok(());
                }
            }
            out.extend_from_slice(open);
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(between);
                }
                nested(out, item, verb, flags, depth + 1)?;
            }
            out.push(close);
        }
        Value::Map(map) => {
            let (open, close, between): (&[u8], u8, &[u8]) =
                if flags.sharp_v { (b"{", b'}', b", ") } else { (b"map[", b']', b" ") };
            if flags.sharp_v {
                out.extend_from_slice(value.type_name().as_bytes());
                if map.is_nil {
                    out.extend_from_slice(b"(nil)");
                    return Ok(());
                }
            }
            out.extend_from_slice(open);
            for (index, (key, item)) in map.entries.borrow().iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(between);
                }
                nested(out, &key.value(), verb, flags, depth + 1)?;
                out.push(b':');
                nested(out, item, verb, flags, depth + 1)?;
            }
            out.push(close);
        }
        Value::Record(record) => {
            if let Some(text) = stringer(record) {
                return nested(out, &Value::Text(text.clone()), verb, flags, depth);
            }
            if record.is_pointer && depth > 0 {
                return Err(Fault::WrongType { wanted: "a value that can be printed", got: record.type_name });
            }
            if record.is_pointer {
                out.push(b'&');
            }
            structure(out, &record.fields, record.type_name, verb, flags, depth)?;
        }
        Value::Loop(_) | Value::Scratch => {
            return Err(Fault::WrongType { wanted: "a value that can be printed", got: value.type_name() });
        }
    }
    Ok(())
}

/// A record whose first field is its `String` prints as that, like a type of Go with such a method.
fn stringer<'r, 'a>(record: &'r Record<'a>) -> Option<&'r Text<'a>> {
    match record.fields.first() {
        Some(("String", Value::Text(text))) => Some(text),
        _ => None,
    }
}

fn structure(
    out: &mut Vec<u8>,
    fields: &[(&'static str, Value<'_>)],
    type_name: &str,
    verb: char,
    flags: &Flags,
    depth: usize,
) -> Result<(), Fault> {
    if flags.sharp_v {
        out.extend_from_slice(type_name.as_bytes());
    }
    out.push(b'{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(if flags.sharp_v { b", " } else { b" " });
        }
        if flags.sharp_v || flags.plus_v {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
        }
        nested(out, value, verb, flags, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

/// `%!d(string=x)`.
fn bad_verb(out: &mut Vec<u8>, value: &Value<'_>, verb: char, flags: &Flags) -> Result<(), Fault> {
    out.extend_from_slice(format!("%!{verb}({}=", full_type_name(value)).as_bytes());
    nested(out, value, 'v', flags, 0)?;
    out.push(b')');
    Ok(())
}

#[cfg(test)]
mod tests;
