//! Events to values.

use std::collections::BTreeMap;

use base64::Engine as _;
use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::resolve::resolve;
use crate::value::{Float, Key, MAX_DEPTH, MapType, Value};

/// Values that aliases may repeat, so that a small text cannot become a huge value.
const MAX_NODES: usize = 200_000;

/// Reads the first document.
///
/// # Errors
/// Text that is not YAML, keys that are not scalars, nesting and repetition without end. Never says what the text is.
pub(crate) fn decode<'a>(text: &str) -> Result<Value<'a>, &'static str> {
    let options = granit_parser::options! { emit_comments: false, block_scalar_eof_without_line_feed: true };
    let mut decoder =
        Decoder { parser: Parser::new_from_str_with_options(text, options), anchors: BTreeMap::new(), nodes: 0 };
    loop {
        match decoder.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd, _) => return Ok(Value::NilInterface),
            (event, _) => return decoder.node(event, 0),
        }
    }
}

struct Decoder<'t, 'a> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, (Value<'a>, usize)>,
    nodes: usize,
}

impl<'t, 'a> Decoder<'t, 'a> {
    fn next(&mut self) -> Result<(Event<'t>, Span), &'static str> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            _ => Err("the text is not YAML"),
        }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Value<'a>, &'static str> {
        if depth > MAX_DEPTH / 2 {
            return Err("the text is nested too deep");
        }
        self.nodes += 1;
        let before = self.nodes;
        let (anchor, value) = match event {
            Event::Alias(id) => {
                let (value, size) = self.anchors.get(&id).cloned().ok_or("an alias has no anchor")?;
                self.nodes += size;
                if self.nodes > MAX_NODES {
                    return Err("aliases repeat too much");
                }
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())?),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, _) => items.push(self.node(event, depth + 1)?),
                    }
                }
                (anchor, Value::list(items))
            }
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(depth)?),
            _ => return Err("the text is not YAML"),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before + 1));
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Result<Value<'a>, &'static str> {
        let mut entries = BTreeMap::new();
        loop {
            let event = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::map(MapType::Keyed, entries)),
                (event, _) => event,
            };
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let name = self.node(event, depth + 1)?;
            let (event, _) = self.next()?;
            let value = self.node(event, depth + 1)?;
            if merges {
                merge(&mut entries, &value)?;
            } else {
                entries.insert(key(name)?, value);
            }
        }
    }
}

/// `<<: *other`: like `yaml.v2`, later keys win over earlier ones, whichever way they came.
fn merge<'a>(entries: &mut BTreeMap<Key<'a>, Value<'a>>, value: &Value<'a>) -> Result<(), &'static str> {
    match value {
        Value::Map(map) => {
            entries.extend(map.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Value::List(list) => {
            // The first of the list has precedence.
            for item in list.items.iter().rev() {
                let Value::Map(_) = item else { return Err("a merge key needs a map") };
                merge(entries, item)?;
            }
        }
        _ => return Err("a merge key needs a map"),
    }
    Ok(())
}

fn key<'a>(value: Value<'a>) -> Result<Key<'a>, &'static str> {
    Ok(match value {
        Value::Bool(truth) => Key::Bool(truth),
        Value::Float(number) => Key::Float(Float(number)),
        Value::Int(number, _) => Key::Int(number),
        Value::Uint(number, _) => Key::Uint(number),
        Value::Text(text) => Key::Text(text),
        Value::Invalid | Value::NilInterface => Key::Nil,
        _ => return Err("a key is not a scalar"),
    })
}

fn scalar<'a>(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value<'a>, &'static str> {
    let name = tag.map(ToString::to_string).unwrap_or_default();
    let name = name.trim_start_matches("tag:yaml.org,2002:").trim_start_matches("!!");
    let plain = || resolve(text);
    Ok(match (name, style) {
        ("", ScalarStyle::Plain) => plain(),
        ("binary", _) => {
            let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(digits).map_err(|_| "!!binary is not base64")?;
            Value::text(bytes)
        }
        ("int", _) => match plain() {
            number @ (Value::Int(..) | Value::Uint(..)) => number,
            _ => return Err("a scalar is not what its tag says"),
        },
        ("float", _) => match plain() {
            Value::Int(number, _) => Value::Float(number as f64),
            number @ Value::Float(_) => number,
            _ => return Err("a scalar is not what its tag says"),
        },
        ("bool", _) => match plain() {
            truth @ Value::Bool(_) => truth,
            _ => return Err("a scalar is not what its tag says"),
        },
        ("null", _) => match plain() {
            Value::NilInterface => Value::NilInterface,
            _ => return Err("a scalar is not what its tag says"),
        },
        _ => Value::text(text.to_owned()),
    })
}
