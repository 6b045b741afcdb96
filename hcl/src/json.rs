//! The JSON that the servers read with the same library: laxer than JSON in some places, and then flattened.

use crate::literal;
use crate::scanner::{Notation, Scanner, Token, TokenKind};
use crate::{Body, Error, Item, Key, Kind, MAX_DEPTH, Position, Value};

#[cfg(test)]
mod tests;

/// Reads JSON whose root is an object.
///
/// As in the servers a comma may stand before a closing brace, closing braces and brackets at the end may be missing,
/// and what stands behind the root object is not looked at.
pub(crate) fn parse(text: &str) -> Result<Body, Error> {
    let token = Token { kind: TokenKind::Illegal, position: Position::default(), text: "" };
    let mut parser = Parser { scanner: Scanner::new(text, Notation::Json), token, depth: 0 };
    parser.scan();
    let result = parser.object();
    match (parser.scanner.take_fault(), result) {
        (Some(fault), _) => Err(fault),
        (None, Ok(Value { kind: Kind::Object(body), .. })) => Ok(body),
        (None, Ok(_) | Err(Stop::End)) => Ok(Body::default()),
        (None, Err(Stop::Wrong(error))) => Err(error),
    }
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

enum Stop {
    End,
    Wrong(Error),
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    token: Token<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn scan(&mut self) -> Token<'a> {
        self.token = self.scanner.scan();
        self.token
    }

    /// Reads an object whose `{` was read last; its `}` is not insisted on.
    fn object(&mut self) -> Result<Value, Stop> {
        let position = self.token.position;
        self.deeper()?;
        let mut body = Body::default();
        loop {
            match self.item() {
                Ok(item) => body.items.push(item),
                Err(Stop::End) => break,
                Err(Stop::Wrong(_)) if self.token.kind == TokenKind::RightBrace => break,
                Err(stop) => return Err(stop),
            }
            if self.scan().kind != TokenKind::Comma {
                break;
            }
        }
        self.depth -= 1;
        Ok(Value { kind: Kind::Object(body), position })
    }

    fn item(&mut self) -> Result<Item, Stop> {
        let mut keys = Vec::new();
        loop {
            let token = self.scan();
            match token.kind {
                TokenKind::End => return Err(Stop::End),
                TokenKind::String => keys.push(Key { text: self.string(token)?, position: token.position }),
                TokenKind::Colon if !keys.is_empty() => break,
                kind => {
                    let server = format!("expected: STRING got: {}", kind.server_name());
                    return Err(self.wrong(&format!("a quoted key was expected, not {}", kind.name()), &server));
                }
            }
        }
        Ok(Item { keys, value: self.value()?, assigned: true })
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let token = self.scan();
        match token.kind {
            TokenKind::Bool | TokenKind::Float | TokenKind::Null | TokenKind::Number | TokenKind::String => {
                self.literal(token)
            }
            TokenKind::LeftBrace => self.object(),
            TokenKind::LeftBracket => self.list(),
            TokenKind::End => Err(Stop::End),
            kind => {
                let Position { line, column, .. } = token.position;
                let place = format!("{line}:{column} {} {}", kind.server_name(), token.text);
                let server = format!("Expected object value, got unknown token: {place}");
                Err(self.wrong(&format!("a value was expected, not {}", kind.name()), &server))
            }
        }
    }

    /// Reads a list whose `[` was read last. Commas are not insisted on; booleans and inner brackets are passed over.
    fn list(&mut self) -> Result<Value, Stop> {
        let position = self.token.position;
        self.deeper()?;
        let mut list = Vec::new();
        loop {
            let token = self.scan();
            match token.kind {
                TokenKind::Float | TokenKind::Number | TokenKind::String => list.push(self.literal(token)?),
                TokenKind::LeftBrace => list.push(self.object()?),
                TokenKind::Bool | TokenKind::Comma | TokenKind::LeftBracket => {}
                TokenKind::RightBracket => break,
                kind => {
                    let server = format!("unexpected token while parsing list: {}", kind.server_name());
                    return Err(self.wrong(&format!("{} cannot stand in a list", kind.name()), &server));
                }
            }
        }
        self.depth -= 1;
        Ok(Value { kind: Kind::List(list), position })
    }

    fn literal(&self, token: Token<'_>) -> Result<Value, Stop> {
        let kind = match token.kind {
            TokenKind::Bool => Kind::Bool(token.text == "true"),
            TokenKind::Null => Kind::Null,
            TokenKind::String => Kind::String(self.string(token)?),
            _ => Kind::Number(token.text.to_owned()),
        };
        Ok(Value { kind, position: token.position })
    }

    fn string(&self, token: Token<'_>) -> Result<String, Stop> {
        match literal::unquote(token.text, Notation::Json) {
            Ok(text) => Ok(text),
            Err(_) if self.scanner.has_fault() => Ok(String::new()),
            Err(message) => Err(Stop::Wrong(Self::error(token.position, message, "invalid string"))),
        }
    }

    fn deeper(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(self.wrong(&message, &message));
        }
        Ok(())
    }

    fn wrong(&self, message: &str, server: &str) -> Stop {
        Stop::Wrong(Self::error(self.token.position, message, server))
    }

    /// The grammar's errors carry no place in the servers' answer.
    fn error(position: Position, message: &str, server: &str) -> Error {
        Error { position, message: message.to_owned(), server: server.to_owned() }
    }
}
