//! What the two grammars share: the token read last, the value it means, and how deep it stands.

use crate::literal;
use crate::scanner::{Notation, Scanner, Token, TokenKind};
use crate::{Error, Kind, MAX_DEPTH, Position, Value};

/// Why a grammar read no further.
pub(crate) enum Stop {
    /// The file ended; whether that is an error is for whoever was reading.
    End,
    Wrong(Error),
}

/// The tokens of a source, one at a time.
pub(crate) struct Tokens<'a> {
    /// What [`Tokens::scan`] read last.
    pub(crate) token: Token<'a>,
    scanner: Scanner<'a>,
    notation: Notation,
    depth: usize,
}

impl<'a> Tokens<'a> {
    /// Starts before the first token.
    pub(crate) fn new(text: &'a str, notation: Notation) -> Self {
        let token = Token { kind: TokenKind::Illegal, position: Position::default(), text: "" };
        Self { token, scanner: Scanner::new(text, notation), notation, depth: 0 }
    }

    /// Reads the next token that is no comment.
    pub(crate) fn scan(&mut self) -> Token<'a> {
        loop {
            self.token = self.scanner.scan();
            if self.token.kind != TokenKind::Comment {
                return self.token;
            }
        }
    }

    /// What a whole source gave. A fault of the scanner hides what the grammar made of it.
    pub(crate) fn conclude<T: Default>(&mut self, result: Result<T, Stop>) -> Result<T, Error> {
        match (self.scanner.take_faults().pop(), result) {
            (Some(fault), _) => Err(fault),
            (None, Ok(read)) => Ok(read),
            (None, Err(Stop::End)) => Ok(T::default()),
            (None, Err(Stop::Wrong(error))) => Err(error),
        }
    }

    /// The faults of the scanner so far.
    pub(crate) fn take_faults(&mut self) -> Vec<Error> {
        self.scanner.take_faults()
    }

    /// Leaves every object and list at once, to read on behind an error.
    pub(crate) fn leave_all(&mut self) {
        self.depth = 0;
    }

    /// The value of a token that is one by itself.
    pub(crate) fn literal(&self, token: Token<'_>) -> Result<Value, Stop> {
        let kind = match token.kind {
            TokenKind::Bool => Kind::Bool(token.text == "true"),
            TokenKind::HereDoc => Kind::String(literal::here_document(token.text)),
            TokenKind::Null => Kind::Null,
            TokenKind::String => Kind::String(self.string(token)?),
            _ => Kind::Number(token.text.to_owned()),
        };
        Ok(Value { kind, position: token.position })
    }

    /// The text of a quoted string.
    pub(crate) fn string(&self, token: Token<'_>) -> Result<String, Stop> {
        match literal::unquote(token.text, self.notation) {
            Ok(text) => Ok(text),
            // The servers read on behind a fault of the scanner and report the last one.
            Err(_) if self.scanner.has_fault() => Ok(String::new()),
            Err(message) => Err(self.wrong_at(token.position, message, "invalid string")),
        }
    }

    /// Enters an object or a list; [`Tokens::leave`] goes with it.
    pub(crate) fn enter(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(self.wrong(&message, &message));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// An error at the token read last.
    pub(crate) fn wrong(&self, message: &str, server: &str) -> Stop {
        self.wrong_at(self.token.position, message, server)
    }

    fn wrong_at(&self, position: Position, message: &str, server: &str) -> Stop {
        Stop::Wrong(match self.notation {
            // The errors of the JSON grammar carry no place in the servers' answer.
            Notation::Json => Error { position, message: message.to_owned(), server: server.to_owned() },
            Notation::Text => Error::placed(position, message, server),
        })
    }
}
