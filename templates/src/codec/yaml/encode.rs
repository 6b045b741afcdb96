//! Values to text.

use base64::Engine as _;

use super::resolve::is_plain_text;
use super::scalar::{Analysis, Style};
use crate::eval::MAX_BYTES;
use crate::float;
use crate::text::Text;
use crate::value::{Key, MAX_DEPTH, Value};

/// Spaces a level.
const INDENT: usize = 2;
/// Keys longer than this are written with `? `.
const MAX_SIMPLE_KEY: usize = 128;

type Outcome = Result<(), &'static str>;

/// Writes a value as one document, with a newline at its end.
///
/// # Errors
/// What YAML cannot say.
pub(crate) fn encode(value: &Value<'_>) -> Result<String, &'static str> {
    let mut emitter =
        Emitter { out: String::new(), column: 0, whitespace: true, indention: true, indent: None, depth: 0 };
    emitter.node(value, Place::Root)?;
    emitter.new_line();
    Ok(emitter.out)
}

/// Where a node stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Root,
    Item,
    /// A key on one line with its value.
    SimpleKey,
    /// A key behind `? `, or a value.
    Member,
}

/// The state of the text so far, in libyaml's terms.
pub(super) struct Emitter {
    pub(super) out: String,
    pub(super) column: usize,
    /// The last thing written was white space.
    pub(super) whitespace: bool,
    /// Nothing but indentation and indicators on this line.
    pub(super) indention: bool,
    pub(super) indent: Option<usize>,
    depth: usize,
}

impl Emitter {
    fn node(&mut self, value: &Value<'_>, place: Place) -> Outcome {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the value is nested too deep");
        }
        if self.out.len() > MAX_BYTES {
            return Err("the text would be larger than 16 MiB");
        }
        match value {
            Value::Invalid | Value::NilInterface | Value::NilPointer(_) => self.scalar("null", Style::Plain, place),
            Value::Bool(truth) => self.scalar(if *truth { "true" } else { "false" }, Style::Plain, place),
            Value::Float(number) => self.scalar(&number_text(*number), Style::Plain, place),
            Value::Int(number, _) => self.scalar(&number.to_string(), Style::Plain, place),
            Value::Uint(number, _) => self.scalar(&number.to_string(), Style::Plain, place),
            Value::Number(digits) => {
                let digits = digits.lossy();
                match (digits.parse::<i64>(), digits.parse::<f64>()) {
                    (Ok(number), _) => self.scalar(&number.to_string(), Style::Plain, place),
                    (_, Ok(number)) if number.is_finite() => self.scalar(&number_text(number), Style::Plain, place),
                    _ => self.text(&Text::from(digits.into_owned()), place),
                }
            }
            Value::Text(text) => self.text(text, place),
            Value::Time(moment) => {
                self.scalar(&moment.format("2006-01-02T15:04:05.999999999Z07:00"), Style::Plain, place);
            }
            Value::List(list) if list.items.is_empty() => self.empty("[", "]"),
            Value::List(list) => self.sequence(&list.items, place)?,
            Value::Map(map) => {
                let entries = map.entries.borrow();
                let members = entries.iter().map(|(key, value)| (key.clone(), value.clone()));
                self.mapping(super::scalar::sort_by_key(members.collect()))?;
            }
            Value::Record(record) => {
                let lower = |name: &str| Key::Text(name.to_lowercase().into());
                self.mapping(record.fields.iter().map(|(name, value)| (lower(name), value.clone())).collect())?;
            }
            Value::Loop(_) | Value::Scratch => return Err("a value is of a type that YAML has not"),
        }
        self.depth -= 1;
        Ok(())
    }

    fn text(&mut self, text: &Text<'_>, place: Place) {
        let Ok(text) = std::str::from_utf8(text) else {
            return self.binary(text, place);
        };
        let style = if text.contains('\n') {
            Style::Literal
        } else if is_plain_text(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        self.scalar(text, style, place);
    }

    /// Bytes that are not text: base64 with a tag, broken every 70 digits.
    fn binary(&mut self, bytes: &[u8], place: Place) {
        let digits = base64::engine::general_purpose::STANDARD.encode(bytes);
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % 70 == 0 {
                text.push('\n');
            }
            text.push(digit);
        }
        let style = if digits.len() < 70 {
            Style::Plain
        } else {
            text.push('\n');
            Style::Literal
        };
        self.indicator("!!binary", true, false, false);
        self.scalar(&text, style, place);
    }

    fn scalar(&mut self, text: &str, wanted: Style, place: Place) {
        let style = Analysis::of(text).style(wanted, place == Place::SimpleKey);
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        super::scalar::write(self, text, style, place != Place::SimpleKey);
        self.indent = outer;
    }

    fn sequence(&mut self, items: &[Value<'_>], place: Place) -> Outcome {
        let outer = self.indent;
        // A list below a key stands at the key's column.
        let stays = place == Place::Member && !self.indention;
        self.indent = Some(outer.map_or(0, |indent| if stays { indent } else { indent + INDENT }));
        for item in items {
            self.new_line();
            self.indicator("-", true, false, true);
            self.node(item, Place::Item)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn mapping(&mut self, members: Vec<(Key<'_>, Value<'_>)>) -> Outcome {
        if members.is_empty() {
            self.empty("{", "}");
            return Ok(());
        }
        let outer = self.indent;
        self.indent = Some(outer.map_or(0, |indent| indent + INDENT));
        for (key, value) in members {
            self.new_line();
            let key = key.value();
            let is_simple = key.string_kind().is_none_or(|text| {
                text.len() <= MAX_SIMPLE_KEY
                    && !Analysis::of(&text.lossy()).multiline
                    && std::str::from_utf8(text).is_ok()
            });
            if is_simple {
                self.node(&key, Place::SimpleKey)?;
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.node(&key, Place::Member)?;
                self.new_line();
                self.indicator(":", true, false, true);
            }
            self.node(&value, Place::Member)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
    }

    pub(super) fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    /// A line break and the indentation, unless one is already there.
    pub(super) fn new_line(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }
}

fn number_text(number: f64) -> String {
    match float::format(number, 'g', None).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        text => text.to_owned(),
    }
}
