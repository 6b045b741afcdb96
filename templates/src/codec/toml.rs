//! TOML as BurntSushi's encoder writes it.

use crate::eval::MAX_BYTES;
use crate::float;
use crate::value::{Key, MAX_DEPTH, Value};

type Outcome = Result<(), &'static str>;

/// Writes a value; a table at the top becomes a document.
///
/// # Errors
/// What TOML cannot say.
pub(crate) fn encode(value: &Value<'_>) -> Result<String, &'static str> {
    if value.is_nothing() {
        return Err("TOML has no nil");
    }
    let mut encoder = Encoder { out: String::new() };
    encoder.value(&mut Vec::new(), value)?;
    Ok(encoder.out.trim().to_owned())
}

struct Encoder {
    out: String,
}

impl Encoder {
    fn value(&mut self, path: &mut Vec<String>, value: &Value<'_>) -> Outcome {
        if path.len() > MAX_DEPTH {
            return Err("the value is nested too deep");
        }
        if self.out.len() > MAX_BYTES {
            return Err("the text would be larger than 16 MiB");
        }
        match value {
            Value::Invalid | Value::NilInterface | Value::NilPointer(_) => Ok(()),
            Value::List(list) if is_list_of_tables(list)? => {
                if path.is_empty() {
                    return Err("a list of tables needs a key");
                }
                for item in &list.items {
                    self.line();
                    self.header(path, "[[", "]]");
                    self.table(path, item)?;
                }
                Ok(())
            }
            Value::Map(map) if map.is_nil => Ok(()),
            Value::Map(_) | Value::Record(_) => {
                if path.len() == 1 {
                    self.line();
                }
                if !path.is_empty() {
                    self.header(path, "[", "]");
                }
                self.table(path, value)
            }
            _ => self.pair(path, value),
        }
    }

    fn header(&mut self, path: &[String], open: &str, close: &str) {
        self.indent(path);
        self.out.push_str(open);
        self.out.push_str(&path.join("."));
        self.out.push_str(close);
        self.out.push('\n');
    }

    /// Plain values first: after a header everything belongs to it.
    fn table(&mut self, path: &mut Vec<String>, table: &Value<'_>) -> Outcome {
        let members = members(table)?;
        for wants_tables in [false, true] {
            for (key, value) in &members {
                if is_table(value)? == wants_tables {
                    path.push(bare_or_quoted(key));
                    self.value(path, value)?;
                    path.pop();
                }
            }
        }
        Ok(())
    }

    fn pair(&mut self, path: &[String], value: &Value<'_>) -> Outcome {
        let Some(key) = path.last() else { return self.element(value, 0) };
        self.indent(path);
        self.out.push_str(key);
        self.out.push_str(" = ");
        self.element(value, path.len())?;
        self.out.push('\n');
        Ok(())
    }

    fn element(&mut self, value: &Value<'_>, depth: usize) -> Outcome {
        if depth > MAX_DEPTH {
            return Err("the value is nested too deep");
        }
        if self.out.len() > MAX_BYTES {
            return Err("the text would be larger than 16 MiB");
        }
        match value {
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Value::Float(number) => self.float(*number),
            Value::Int(number, _) => self.out.push_str(&number.to_string()),
            Value::Uint(number, _) => self.out.push_str(&number.to_string()),
            Value::Number(digits) => {
                let digits = digits.lossy();
                match (digits.parse::<i64>(), digits.parse::<f64>()) {
                    (Ok(number), _) => self.out.push_str(&number.to_string()),
                    (_, Ok(number)) if number.is_finite() => self.float(number),
                    _ if digits.is_empty() => self.out.push('0'),
                    _ => return Err("a number is out of range"),
                }
            }
            Value::Text(text) => self.out.push_str(&quoted(&text.lossy())),
            Value::Time(moment) => self.out.push_str(&moment.format("2006-01-02T15:04:05.999999999Z07:00")),
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(_) | Value::Record(_) => self.inline(value, depth)?,
            Value::Invalid | Value::NilInterface | Value::NilPointer(_) => return Err("TOML has no nil in a list"),
            Value::Loop(_) | Value::Scratch => return Err("a value is of a type that TOML has not"),
        }
        Ok(())
    }

    fn inline(&mut self, table: &Value<'_>, depth: usize) -> Outcome {
        let members = members(table)?;
        let mut written = 0;
        self.out.push('{');
        for wants_tables in [false, true] {
            for (key, value) in &members {
                if is_table(value)? != wants_tables || is_nil(value) {
                    continue;
                }
                if written > 0 {
                    self.out.push_str(", ");
                }
                written += 1;
                self.out.push_str(&bare_or_quoted(key));
                self.out.push_str(" = ");
                self.element(value, depth + 1)?;
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn float(&mut self, number: f64) {
        let text = match (number.is_nan(), number.is_infinite()) {
            (true, _) => "nan".to_owned(),
            (_, true) => if number < 0.0 { "-inf" } else { "inf" }.to_owned(),
            _ => float::format(number, 'f', None),
        };
        self.out.push_str(&text);
        if number.is_finite() && !text.contains('.') {
            self.out.push_str(".0");
        }
    }

    fn indent(&mut self, path: &[String]) {
        self.out.extend(std::iter::repeat_n("  ", path.len().saturating_sub(1)));
    }

    /// An empty line before a table, unless it is the first thing.
    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

fn members<'v, 'a>(table: &'v Value<'a>) -> Result<Vec<(String, Value<'a>)>, &'static str> {
    match table {
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let member = |(key, value): (&Key<'a>, &Value<'a>)| match key {
                Key::Text(key) => Ok((key.lossy().into_owned(), value.clone())),
                _ => Err("a key is not text"),
            };
            // Like Go, the type of the map counts, not the keys it has.
            if map.of == crate::value::MapType::Keyed {
                return Err("TOML has no map[interface {}]interface {}, which is what parseYAML gives");
            }
            entries.iter().map(member).collect()
        }
        Value::Record(record) => {
            Ok(record.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
        }
        _ => Err("not a table"),
    }
}

fn is_nil(value: &Value<'_>) -> bool {
    match value {
        Value::Invalid | Value::NilInterface | Value::NilPointer(_) => true,
        Value::List(list) => list.is_nil,
        Value::Map(map) => map.is_nil,
        _ => false,
    }
}

fn is_table(value: &Value<'_>) -> Result<bool, &'static str> {
    match value {
        Value::Map(map) => Ok(!map.is_nil),
        Value::Record(_) => Ok(true),
        Value::List(list) => is_list_of_tables(list),
        _ => Ok(false),
    }
}

fn is_list_of_tables(list: &crate::value::List<'_>) -> Result<bool, &'static str> {
    let mut all = !list.items.is_empty();
    for item in &list.items {
        if is_nil(item) {
            return Err("TOML has no nil in a list");
        }
        all &= matches!(item, Value::Map(_) | Value::Record(_));
    }
    Ok(all)
}

fn bare_or_quoted(key: &str) -> String {
    let is_bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
