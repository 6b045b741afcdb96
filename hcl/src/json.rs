//! The JSON that the servers read with the same library: laxer than JSON in some places, and then flattened.

use crate::scanner::{Notation, TokenKind};
use crate::tokens::{Stop, Tokens};
use crate::{Body, Error, Item, Key, Kind, Position, Value};

#[cfg(test)]
mod tests;

/// Reads JSON whose root is an object.
///
/// As in the servers a comma may stand before a closing brace, closing braces and brackets at the end may be missing,
/// and what stands behind the root object is not looked at.
pub(crate) fn parse(text: &str) -> Result<Body, Error> {
    let mut parser = Parser { tokens: Tokens::new(text, Notation::Json) };
    parser.tokens.scan();
    let result = parser.body();
    parser.tokens.conclude(result)
}

/// Turns nested JSON objects into blocks with labels: `{"path": {"a": {...}}}` becomes `path "a" {...}`.
///
/// An object becomes labels when all its values are objects, a list is taken apart when all its elements are.
pub(crate) fn flatten(body: Body) -> Body {
    let mut items = Vec::new();
    let mut work: Vec<Item> = body.items.into_iter().rev().collect();
    while let Some(Item { keys, value, assigned }) = work.pop() {
        match value.kind {
            Kind::Object(inner) if splits(&inner) => {
                for item in inner.items.into_iter().rev() {
                    let keys = keys.iter().cloned().chain(item.keys).collect();
                    work.push(Item { keys, value: item.value, assigned });
                }
            }
            Kind::List(list) if !list.is_empty() && list.iter().all(is_object) => {
                for value in list.into_iter().rev() {
                    work.push(Item { keys: keys.clone(), value, assigned });
                }
            }
            kind => items.push(Item { keys, value: Value { kind: inside(kind), position: value.position }, assigned }),
        }
    }
    Body { items }
}

fn inside(kind: Kind) -> Kind {
    match kind {
        Kind::Object(body) => Kind::Object(flatten(body)),
        Kind::List(list) => {
            let list = list.into_iter().map(|value| Value { kind: inside(value.kind), ..value });
            Kind::List(list.collect())
        }
        literal => literal,
    }
}

fn splits(body: &Body) -> bool {
    !body.items.is_empty() && body.items.iter().all(|item| is_object(&item.value))
}

fn is_object(value: &Value) -> bool {
    matches!(value.kind, Kind::Object(_))
}

struct Parser<'a> {
    tokens: Tokens<'a>,
}

impl Parser<'_> {
    fn object(&mut self) -> Result<Value, Stop> {
        let position = self.tokens.token.position;
        Ok(Value { kind: Kind::Object(self.body()?), position })
    }

    /// Reads an object whose `{` was read last; its `}` is not insisted on.
    fn body(&mut self) -> Result<Body, Stop> {
        self.tokens.enter()?;
        let mut body = Body::default();
        loop {
            match self.item() {
                Ok(item) => body.items.push(item),
                Err(Stop::End) => break,
                Err(Stop::Wrong(_)) if self.tokens.token.kind == TokenKind::RightBrace => break,
                Err(stop) => return Err(stop),
            }
            if self.tokens.scan().kind != TokenKind::Comma {
                break;
            }
        }
        self.tokens.leave();
        Ok(body)
    }

    fn item(&mut self) -> Result<Item, Stop> {
        let mut keys = Vec::new();
        loop {
            let token = self.tokens.scan();
            match token.kind {
                TokenKind::End => return Err(Stop::End),
                TokenKind::String => keys.push(Key { text: self.tokens.string(token)?, position: token.position }),
                TokenKind::Colon if !keys.is_empty() => break,
                kind => {
                    let server = format!("expected: STRING got: {}", kind.server_name());
                    return Err(self.tokens.wrong(&format!("a quoted key was expected, not {}", kind.name()), &server));
                }
            }
        }
        Ok(Item { keys, value: self.value()?, assigned: true })
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let token = self.tokens.scan();
        match token.kind {
            TokenKind::Bool | TokenKind::Float | TokenKind::Null | TokenKind::Number | TokenKind::String => {
                self.tokens.literal(token)
            }
            TokenKind::LeftBrace => self.object(),
            TokenKind::LeftBracket => self.list(),
            TokenKind::End => Err(Stop::End),
            kind => {
                let Position { line, column, .. } = token.position;
                let place = format!("{line}:{column} {} {}", kind.server_name(), token.text);
                let server = format!("Expected object value, got unknown token: {place}");
                Err(self.tokens.wrong(&format!("a value was expected, not {}", kind.name()), &server))
            }
        }
    }

    /// Reads a list whose `[` was read last. Commas are not insisted on; booleans and inner brackets are passed over.
    fn list(&mut self) -> Result<Value, Stop> {
        let position = self.tokens.token.position;
        self.tokens.enter()?;
        let mut list = Vec::new();
        loop {
            let token = self.tokens.scan();
            match token.kind {
                TokenKind::Float | TokenKind::Number | TokenKind::String => list.push(self.tokens.literal(token)?),
                TokenKind::LeftBrace => list.push(self.object()?),
                TokenKind::Bool | TokenKind::Comma | TokenKind::LeftBracket => {}
                TokenKind::RightBracket => break,
                kind => {
                    let server = format!("unexpected token while parsing list: {}", kind.server_name());
                    return Err(self.tokens.wrong(&format!("{} cannot stand in a list", kind.name()), &server));
                }
            }
        }
        self.tokens.leave();
        Ok(Value { kind: Kind::List(list), position })
    }
}
