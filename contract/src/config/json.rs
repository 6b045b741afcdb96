//! JSON as a tree of HCL, with the position of errors only.

use blinkchamber_hcl::{Body, Item, Key, Kind, Position, Value};

use crate::config::ReadError;

/// Reads an object.
pub(super) fn body(name: &str, text: &str) -> Result<Body, ReadError> {
    let error = |line: usize, column: usize, message: String| ReadError {
        file: name.to_owned(),
        position: Position { line, column, offset: 0 },
        key: "syntax".to_owned(),
        message,
    };
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| error(e.line(), e.column(), e.to_string()))?;
    match kind(value) {
        Kind::Object(body) => Ok(body),
        _ => Err(error(1, 1, "an object is expected".to_owned())),
    }
}

fn kind(value: serde_json::Value) -> Kind {
    let wrap = |value| Value { kind: kind(value), position: Position::default() };
    match value {
        serde_json::Value::Null => Kind::Null,
        serde_json::Value::Bool(flag) => Kind::Bool(flag),
        serde_json::Value::Number(number) => Kind::Number(number.to_string()),
        serde_json::Value::String(text) => Kind::String(text),
        serde_json::Value::Array(values) => Kind::List(values.into_iter().map(wrap).collect()),
        serde_json::Value::Object(fields) => Kind::Object(Body {
            items: fields
                .into_iter()
                .map(|(text, value)| Item {
                    keys: vec![Key { text, position: Position::default() }],
                    value: wrap(value),
                    assigned: true,
                })
                .collect(),
        }),
    }
}
