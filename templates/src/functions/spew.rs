//! go-spew's dumps. Go's agent prints `spew_dump` and `spew_printf` to its own output; here that would be a log of secrets, so
//! these two do nothing.

use super::{Args, functions};
use crate::error::Fault;
use crate::eval::MAX_BYTES;
use crate::format;
use crate::value::{MAX_DEPTH, Value};

functions! {
    "spew_dump"(; Any) |_, _| Ok(Value::text(""));
    "spew_printf"(Text; Any) |_, _| Ok(Value::text(""));
    "spew_sdump"(; Any) |_, args| dump(&args).map(Value::text);
    "spew_sprintf"(Text; Any) |_, args| format::sprintf(&args.text(0), args.rest(1)).map(Value::text);
}

fn dump(args: &Args<'_>) -> Result<String, Fault> {
    let mut out = String::new();
    for value in args.rest(0) {
        if value.is_nothing() {
            out.push_str("(interface {}) <nil>\n");
            continue;
        }
        write(&mut out, value, 0)?;
        out.push('\n');
    }
    Ok(out)
}

fn write(out: &mut String, value: &Value<'_>, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Limit("depth of data: 200 levels"));
    }
    if out.len() > MAX_BYTES {
        return Err(Fault::Limit("a string: 16 MiB"));
    }
    let name = value.type_name();
    match value {
        Value::Invalid | Value::NilInterface => out.push_str("(interface {}) <nil>"),
        Value::NilPointer(_) => out.push_str(&format!("(*{name})(<nil>)")),
        Value::Bool(truth) => out.push_str(&format!("({name}) {truth}")),
        Value::Int(number, _) => out.push_str(&format!("({name}) {number}")),
        Value::Uint(number, _) => out.push_str(&format!("({name}) {number}")),
        Value::Float(number) => out.push_str(&format!("({name}) {}", crate::float::format(*number, 'g', None))),
        Value::Text(text) if text.is_empty() => out.push_str(&format!("({name}) \"\"")),
        Value::Text(text) => out.push_str(&format!("({name}) (len={}) {}", text.len(), format::quoted(text, false))),
        Value::Number(text) => out.push_str(&format!("({name}) (len={}) {}", text.len(), text.lossy())),
        Value::Time(moment) => out.push_str(&format!("({name}) {}", moment.display())),
        Value::List(list) if list.is_nil => out.push_str(&format!("({name}) <nil>")),
        Value::List(list) => {
            let length = list.items.len();
            let size = if length == 0 { String::new() } else { format!("(len={length} cap={length}) ") };
            out.push_str(&format!("({name}) {size}{{\n"));
            for (index, item) in list.items.iter().enumerate() {
                indent(out, depth + 1);
                write(out, item, depth + 1)?;
                out.push_str(if index + 1 < length { ",\n" } else { "\n" });
            }
            indent(out, depth);
            out.push('}');
        }
        Value::Map(map) if map.is_nil => out.push_str(&format!("({name}) <nil>")),
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let size = if entries.is_empty() { String::new() } else { format!("(len={}) ", entries.len()) };
            out.push_str(&format!("({name}) {size}{{\n"));
            for (index, (key, item)) in entries.iter().enumerate() {
                indent(out, depth + 1);
                write(out, &key.value(), depth + 1)?;
                out.push_str(": ");
                write(out, item, depth + 1)?;
                out.push_str(if index + 1 < entries.len() { ",\n" } else { "\n" });
            }
            indent(out, depth);
            out.push('}');
        }
        Value::Record(record) => {
            out.push_str(&format!("({name}) {{\n"));
            for (index, (field, item)) in record.fields.iter().enumerate() {
                indent(out, depth + 1);
                out.push_str(&format!("{field}: "));
                write(out, item, depth + 1)?;
                out.push_str(if index + 1 < record.fields.len() { ",\n" } else { "\n" });
            }
            indent(out, depth);
            out.push('}');
        }
        Value::Loop(_) | Value::Scratch => out.push_str(&format!("({name})")),
    }
    Ok(())
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n(' ', depth));
}
