//! The grammar of HCL text, with the leniencies and refusals of the servers' parser.

use crate::scanner::{Notation, Token, TokenKind};
use crate::tokens::{Stop, Tokens};
use crate::{Body, Error, Item, Key, Kind, MOST_ERRORS, Position, Value};

#[cfg(test)]
mod tests;

/// Reads HCL text.
pub(crate) fn parse(text: &str) -> Result<Body, Error> {
    let mut parser = Parser { tokens: Tokens::new(text, Notation::Text), buffered: false };
    let result = parser.object_list(false);
    parser.tokens.conclude(result)
}

/// Reads HCL text to its end: what is right of it, and every error.
///
/// Behind an error it goes on at the next line that begins as the first one did: with a word in the same column.
pub(crate) fn recover(text: &str) -> (Body, Vec<Error>) {
    let mut parser = Parser { tokens: Tokens::new(text, Notation::Text), buffered: false };
    let mut body = Body::default();
    let mut errors = Vec::new();
    let first = parser.scan();
    parser.unscan();
    loop {
        let before = parser.tokens.token.position.offset;
        match parser.item() {
            Ok(item) => body.items.push(item),
            Err(Stop::End) => break,
            Err(Stop::Wrong(error)) => {
                errors.push(error);
                if errors.len() > MOST_ERRORS {
                    break;
                }
                parser.skip(first.position.column, before);
            }
        }
        if parser.scan().kind != TokenKind::Comma {
            parser.unscan();
        }
    }
    errors.extend(parser.tokens.take_faults());
    (body, errors)
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    buffered: bool,
}

impl<'a> Parser<'a> {
    fn scan(&mut self) -> Token<'a> {
        if self.buffered {
            self.buffered = false;
            return self.tokens.token;
        }
        self.tokens.scan()
    }

    fn unscan(&mut self) {
        self.buffered = true;
    }

    /// Passes over tokens until an item can begin, beyond the place where the last one began.
    fn skip(&mut self, column: usize, beyond: usize) {
        self.tokens.leave_all();
        let mut line = self.tokens.token.position.line;
        loop {
            let token = self.scan();
            let begins = matches!(token.kind, TokenKind::Identifier | TokenKind::String) && token.position.line > line;
            let place = token.position;
            if token.kind == TokenKind::End || (begins && place.column == column && place.offset > beyond) {
                self.unscan();
                return;
            }
            line = place.line;
        }
    }

    fn object_list(&mut self, in_object: bool) -> Result<Body, Stop> {
        let mut body = Body::default();
        loop {
            if in_object {
                let token = self.scan();
                self.unscan();
                if token.kind == TokenKind::RightBrace {
                    return Ok(body);
                }
            }
            match self.item() {
                Ok(item) => body.items.push(item),
                Err(Stop::End) => return Ok(body),
                Err(stop) => return Err(stop),
            }
            if self.scan().kind != TokenKind::Comma {
                self.unscan();
            }
        }
    }

    fn item(&mut self) -> Result<Item, Stop> {
        let keys = self.keys()?;
        let assigned = self.tokens.token.kind == TokenKind::Assign;
        let value = match self.tokens.token.kind {
            TokenKind::Assign => self.value()?,
            TokenKind::LeftBrace => self.object()?,
            _ => {
                let names: Vec<_> = keys.iter().map(|key| key.source).collect();
                let server = format!("key '{}' expected start of object ('{{') or assignment ('=')", names.join(" "));
                let message = format!("{} has no value: = or {{ must follow", names.join(" "));
                return Err(self.tokens.wrong(&message, &server));
            }
        };
        // The servers look one token ahead here, which shows in the columns they report at the end of a file.
        self.scan();
        self.unscan();
        Ok(Item { keys: keys.into_iter().map(|key| key.key).collect(), value, assigned })
    }

    /// Reads keys up to and with the `=` or `{` behind them.
    fn keys(&mut self) -> Result<Vec<SourceKey<'a>>, Stop> {
        let mut keys = Vec::new();
        loop {
            let token = self.scan();
            match token.kind {
                TokenKind::End if keys.is_empty() => return Err(Stop::End),
                TokenKind::End => return Ok(keys),
                TokenKind::Assign if keys.len() > 1 => {
                    let message = "a block with labels takes { directly: leave out the =";
                    return Err(self.tokens.wrong(message, "nested object expected: LBRACE got: ASSIGN"));
                }
                TokenKind::Assign if keys.is_empty() => {
                    return Err(self.tokens.wrong("= stands without a key before it", "no object keys found!"));
                }
                TokenKind::LeftBrace if keys.is_empty() => {
                    return Err(self
                        .tokens
                        .wrong("{ stands without a key before it", "expected: IDENT | STRING got: LBRACE"));
                }
                TokenKind::Assign | TokenKind::LeftBrace => return Ok(keys),
                TokenKind::Identifier => {
                    let key = Key { text: token.text.to_owned(), position: token.position };
                    keys.push(SourceKey { key, source: token.text });
                }
                TokenKind::String => {
                    let text = self.tokens.string(token)?;
                    keys.push(SourceKey { key: Key { text, position: token.position }, source: token.text });
                }
                // Keys without a value, then the end of the object: the servers complain about the key.
                TokenKind::RightBrace if !keys.is_empty() => {
                    self.tokens.token.kind = TokenKind::End;
                    return Ok(keys);
                }
                TokenKind::Illegal => {
                    return Err(self.tokens.wrong("this character cannot stand here", "illegal character"));
                }
                kind => {
                    let server = format!("expected: IDENT | STRING | ASSIGN | LBRACE got: {}", kind.server_name());
                    return Err(self
                        .tokens
                        .wrong(&format!("a key, = or {{ was expected, not {}", kind.name()), &server));
                }
            }
        }
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let token = self.scan();
        match token.kind {
            TokenKind::Bool | TokenKind::Float | TokenKind::HereDoc | TokenKind::Number | TokenKind::String => {
                self.tokens.literal(token)
            }
            TokenKind::LeftBrace => self.object(),
            TokenKind::LeftBracket => self.list(),
            TokenKind::End => Err(Stop::End),
            kind => {
                let Position { line, column, .. } = token.position;
                let server = format!("Unknown token: {line}:{column} {} {}", kind.server_name(), token.text);
                let message = format!(
                    "a value was expected, not {}; strings are quoted, and there are no variables or functions",
                    kind.name()
                );
                Err(self.tokens.wrong(&message, &server))
            }
        }
    }

    /// Reads an object whose `{` was read last.
    fn object(&mut self) -> Result<Value, Stop> {
        let position = self.tokens.token.position;
        self.tokens.enter()?;
        let body = self.object_list(true)?;
        self.tokens.leave();
        let token = self.scan();
        if token.kind != TokenKind::RightBrace {
            let server = format!("object expected closing RBRACE got: {}", token.kind.server_name());
            let message =
                format!("}} was expected, not {}; the block opened at line {}", token.kind.name(), position.line);
            return Err(self.tokens.wrong(&message, &server));
        }
        Ok(Value { kind: Kind::Object(body), position })
    }

    /// Reads a list whose `[` was read last.
    fn list(&mut self) -> Result<Value, Stop> {
        let position = self.tokens.token.position;
        let mut list = Vec::new();
        let mut comma_due = false;
        self.tokens.enter()?;
        loop {
            let token = self.scan();
            if comma_due && !matches!(token.kind, TokenKind::Comma | TokenKind::RightBracket) {
                let server =
                    format!("error parsing list, expected comma or list end, got: {}", token.kind.server_name());
                return Err(self.tokens.wrong(&format!(", or ] was expected, not {}", token.kind.name()), &server));
            }
            match token.kind {
                TokenKind::Bool | TokenKind::Float | TokenKind::HereDoc | TokenKind::Number | TokenKind::String => {
                    list.push(self.tokens.literal(token)?);
                    comma_due = true;
                }
                TokenKind::Comma => {
                    self.scan();
                    self.unscan();
                    comma_due = false;
                }
                TokenKind::LeftBrace => {
                    list.push(self.object().map_err(|stop| stop.inside(token, "object"))?);
                    comma_due = true;
                }
                TokenKind::LeftBracket => {
                    list.push(self.list().map_err(|stop| stop.inside(token, "list"))?);
                    comma_due = false;
                }
                TokenKind::RightBracket => {
                    self.tokens.leave();
                    return Ok(Value { kind: Kind::List(list), position });
                }
                kind => {
                    let server = format!("unexpected token while parsing list: {}", kind.server_name());
                    let hint = if kind == TokenKind::Identifier { "; quote it" } else { "" };
                    return Err(self.tokens.wrong(&format!("{} cannot stand in a list{hint}", kind.name()), &server));
                }
            }
        }
    }
}

struct SourceKey<'a> {
    key: Key,
    source: &'a str,
}

impl Stop {
    /// An error inside a list is reported at the element, with the inner text behind it.
    fn inside(self, element: Token<'_>, what: &str) -> Self {
        match self {
            Self::End => Self::End,
            Self::Wrong(error) => {
                let Position { line, column, .. } = element.position;
                let server =
                    format!("At {line}:{column}: error while trying to parse {what} within list: {}", error.server);
                Self::Wrong(Error { server, ..error })
            }
        }
    }
}
