//! The grammar of HCL text, with the leniencies and refusals of the servers' parser.

use crate::literal;
use crate::scanner::{Notation, Scanner, Token, TokenKind};
use crate::{Body, Error, Item, Key, Kind, MAX_DEPTH, Position, Value};

#[cfg(test)]
mod tests;

/// Reads HCL text.
pub(crate) fn parse(text: &str) -> Result<Body, Error> {
    let mut parser = Parser::new(text);
    let result = parser.object_list(false);
    // A fault of the scanner hides what the grammar made of it.
    match (parser.scanner.take_fault(), result) {
        (Some(fault), _) => Err(fault),
        (None, Ok(body)) => Ok(body),
        (None, Err(Stop::Wrong(error))) => Err(error),
        (None, Err(Stop::End)) => Ok(Body::default()),
    }
}

/// Why an item was not read.
enum Stop {
    /// The file ended; inside an object that is an error of the object.
    End,
    Wrong(Error),
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    token: Token<'a>,
    buffered: bool,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let token = Token { kind: TokenKind::Illegal, position: Position::default(), text: "" };
        Self { scanner: Scanner::new(text, Notation::Text), token, buffered: false, depth: 0 }
    }

    fn scan(&mut self) -> Token<'a> {
        if self.buffered {
            self.buffered = false;
            return self.token;
        }
        loop {
            self.token = self.scanner.scan();
            if self.token.kind != TokenKind::Comment {
                return self.token;
            }
        }
    }

    fn unscan(&mut self) {
        self.buffered = true;
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
        let assigned = self.token.kind == TokenKind::Assign;
        let value = match self.token.kind {
            TokenKind::Assign => self.value()?,
            TokenKind::LeftBrace => self.object()?,
            _ => {
                let names: Vec<_> = keys.iter().map(|key| key.source).collect();
                let server = format!("key '{}' expected start of object ('{{') or assignment ('=')", names.join(" "));
                let message = format!("{} has no value: = or {{ must follow", names.join(" "));
                return Err(self.wrong(&message, &server));
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
                    return Err(self.wrong(message, "nested object expected: LBRACE got: ASSIGN"));
                }
                TokenKind::Assign if keys.is_empty() => {
                    return Err(self.wrong("= stands without a key before it", "no object keys found!"));
                }
                TokenKind::LeftBrace if keys.is_empty() => {
                    return Err(self.wrong("{ stands without a key before it", "expected: IDENT | STRING got: LBRACE"));
                }
                TokenKind::Assign | TokenKind::LeftBrace => return Ok(keys),
                TokenKind::Identifier => {
                    let key = Key { text: token.text.to_owned(), position: token.position };
                    keys.push(SourceKey { key, source: token.text });
                }
                TokenKind::String => {
                    let text = self.string(token)?;
                    keys.push(SourceKey { key: Key { text, position: token.position }, source: token.text });
                }
                // Keys without a value, then the end of the object: the servers complain about the key.
                TokenKind::RightBrace if !keys.is_empty() => {
                    self.token.kind = TokenKind::End;
                    return Ok(keys);
                }
                TokenKind::Illegal => return Err(self.wrong("this character cannot stand here", "illegal character")),
                kind => {
                    let server = format!("expected: IDENT | STRING | ASSIGN | LBRACE got: {}", kind.server_name());
                    return Err(self.wrong(&format!("a key, = or {{ was expected, not {}", kind.name()), &server));
                }
            }
        }
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let token = self.scan();
        match token.kind {
            TokenKind::Bool | TokenKind::Float | TokenKind::HereDoc | TokenKind::Number | TokenKind::String => {
                self.literal(token)
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
                Err(self.wrong(&message, &server))
            }
        }
    }

    /// Reads an object whose `{` was read last.
    fn object(&mut self) -> Result<Value, Stop> {
        let position = self.token.position;
        self.deeper()?;
        let body = self.object_list(true)?;
        self.depth -= 1;
        let token = self.scan();
        if token.kind != TokenKind::RightBrace {
            let server = format!("object expected closing RBRACE got: {}", token.kind.server_name());
            let message =
                format!("}} was expected, not {}; the block opened at line {}", token.kind.name(), position.line);
            return Err(self.wrong(&message, &server));
        }
        Ok(Value { kind: Kind::Object(body), position })
    }

    /// Reads a list whose `[` was read last.
    fn list(&mut self) -> Result<Value, Stop> {
        let position = self.token.position;
        let mut list = Vec::new();
        let mut comma_due = false;
        self.deeper()?;
        loop {
            let token = self.scan();
            if comma_due && !matches!(token.kind, TokenKind::Comma | TokenKind::RightBracket) {
                let server =
                    format!("error parsing list, expected comma or list end, got: {}", token.kind.server_name());
                return Err(self.wrong(&format!(", or ] was expected, not {}", token.kind.name()), &server));
            }
            match token.kind {
                TokenKind::Bool | TokenKind::Float | TokenKind::HereDoc | TokenKind::Number | TokenKind::String => {
                    list.push(self.literal(token)?);
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
                    self.depth -= 1;
                    return Ok(Value { kind: Kind::List(list), position });
                }
                kind => {
                    let server = format!("unexpected token while parsing list: {}", kind.server_name());
                    let hint = if kind == TokenKind::Identifier { "; quote it" } else { "" };
                    return Err(self.wrong(&format!("{} cannot stand in a list{hint}", kind.name()), &server));
                }
            }
        }
    }

    fn literal(&self, token: Token<'_>) -> Result<Value, Stop> {
        let kind = match token.kind {
            TokenKind::Bool => Kind::Bool(token.text == "true"),
            TokenKind::HereDoc => Kind::String(literal::here_document(token.text)),
            TokenKind::String => Kind::String(self.string(token)?),
            _ => Kind::Number(token.text.to_owned()),
        };
        Ok(Value { kind, position: token.position })
    }

    fn string(&self, token: Token<'_>) -> Result<String, Stop> {
        match literal::unquote(token.text, Notation::Text) {
            Ok(text) => Ok(text),
            // The servers read on behind a fault of the scanner and report the last one.
            Err(_) if self.scanner.has_fault() => Ok(String::new()),
            Err(message) => Err(Stop::Wrong(Error::placed(token.position, message, "invalid string"))),
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
        Stop::Wrong(Error::placed(self.token.position, message, server))
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
