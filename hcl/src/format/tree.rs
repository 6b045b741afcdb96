//! The tree that the formatter prints, with every comment and whom it belongs to.
//!
//! A comment belongs to the item or list element that it stands directly above, or behind on the same line; all others
//! stand alone. Which is which follows the servers' parser, also where that looks odd.

use crate::Position;
use crate::scanner::{Notation, Scanner, Token, TokenKind};

/// A whole file.
pub(super) struct File<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) groups: Vec<Group<'a>>,
}

/// Comments without an empty line between them.
pub(super) struct Group<'a> {
    pub(super) comments: Vec<Comment<'a>>,
    /// It belongs to an item or an element.
    pub(super) owned: bool,
}

pub(super) struct Comment<'a> {
    pub(super) position: Position,
    pub(super) text: &'a str,
}

/// `key label... = value` or `key label... { ... }`.
pub(super) struct Item<'a> {
    pub(super) keys: Vec<&'a str>,
    pub(super) position: Position,
    pub(super) assigned: bool,
    pub(super) value: Value<'a>,
    /// The comments above, by their place in the file's groups.
    pub(super) lead: Option<usize>,
    /// The comments behind.
    pub(super) line: Option<usize>,
}

pub(super) enum Value<'a> {
    Literal(Literal<'a>),
    List { open: Position, elements: Vec<Self> },
    Object { open: Position, items: Vec<Item<'a>>, close: Position },
}

pub(super) struct Literal<'a> {
    pub(super) text: &'a str,
    pub(super) here_document: bool,
    pub(super) position: Position,
    pub(super) lead: Option<usize>,
    pub(super) line: Option<usize>,
}

impl Value<'_> {
    pub(super) fn position(&self) -> Position {
        match self {
            Value::Literal(literal) => literal.position,
            Value::List { open, .. } | Value::Object { open, .. } => *open,
        }
    }
}

/// Reads a text that the grammar has accepted; of any other it gives what it can.
pub(super) fn read(text: &str) -> File<'_> {
    let mut scanner = Scanner::new(text, Notation::Text);
    let token = Token { kind: TokenKind::Illegal, position: Position::default(), text: "" };
    // The line of the token before the first is none.
    let next = scanner.scan();
    let mut reader = Reader { scanner, next, token, buffered: false, groups: Vec::new(), lead: None, line: None };
    let items = reader.items();
    File { items, groups: reader.groups }
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    /// The token behind `token`, comments included.
    next: Token<'a>,
    token: Token<'a>,
    buffered: bool,
    groups: Vec<Group<'a>>,
    lead: Option<usize>,
    line: Option<usize>,
}

impl<'a> Reader<'a> {
    fn advance(&mut self) -> Token<'a> {
        let token = self.next;
        if token.kind != TokenKind::End {
            self.next = self.scanner.scan();
        }
        token
    }

    fn scan(&mut self) -> Token<'a> {
        if self.buffered {
            self.buffered = false;
            return self.token;
        }
        let line = self.token.position.line;
        if self.next.kind == TokenKind::Comment {
            if self.next.position.line == line {
                let (group, end) = self.group(0);
                if self.next.position.line != end {
                    self.line = Some(group);
                }
            }
            let mut last = None;
            while self.next.kind == TokenKind::Comment {
                last = Some(self.group(1));
            }
            let closes = matches!(self.next.kind, TokenKind::RightBrace | TokenKind::RightBracket);
            if let Some((group, end)) = last
                && end + 1 == self.next.position.line
                && !closes
            {
                self.lead = Some(group);
            }
        }
        self.token = self.advance();
        self.token
    }

    /// Reads comments that are at most so many lines apart; answers with the line on which the last one ends.
    fn group(&mut self, apart: usize) -> (usize, usize) {
        let mut comments = Vec::new();
        let mut end = self.next.position.line;
        while self.next.kind == TokenKind::Comment && self.next.position.line <= end + apart {
            let token = self.advance();
            end = token.position.line;
            if token.text.starts_with("/*") {
                end += token.text.matches('\n').count();
            }
            comments.push(Comment { position: token.position, text: token.text });
        }
        self.groups.push(Group { comments, owned: false });
        (self.groups.len() - 1, end)
    }

    fn take_lead(&mut self) -> Option<usize> {
        let group = self.lead.take();
        self.own(group)
    }

    fn take_line(&mut self) -> Option<usize> {
        let group = self.line.take();
        self.own(group)
    }

    fn own(&mut self, group: Option<usize>) -> Option<usize> {
        if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
            group.owned = true;
        }
        group
    }

    fn items(&mut self) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        loop {
            let ends = matches!(self.scan().kind, TokenKind::RightBrace | TokenKind::End);
            self.buffered = true;
            if ends {
                return items;
            }
            items.extend(self.item());
            if self.scan().kind != TokenKind::Comma {
                self.buffered = true;
            }
        }
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let mut keys = Vec::new();
        let mut position = None;
        loop {
            let token = self.scan();
            if !matches!(token.kind, TokenKind::Identifier | TokenKind::String) {
                break;
            }
            position.get_or_insert(token.position);
            keys.push(token.text);
        }
        let lead = self.take_lead();
        let assigned = self.token.kind == TokenKind::Assign;
        let value = if assigned { self.value() } else { self.object() };
        let mut line = self.take_line();
        let position = position?;
        self.scan();
        if value.position().line == position.line && self.line.is_some() {
            line = self.take_line();
        }
        self.buffered = true;
        Some(Item { keys, position, assigned, value, lead, line })
    }

    fn value(&mut self) -> Value<'a> {
        let token = self.scan();
        match token.kind {
            TokenKind::LeftBrace => self.object(),
            TokenKind::LeftBracket => self.list(),
            _ => Value::Literal(self.literal()),
        }
    }

    fn literal(&self) -> Literal<'a> {
        let Token { text, position, kind } = self.token;
        Literal { text, here_document: kind == TokenKind::HereDoc, position, lead: None, line: None }
    }

    fn object(&mut self) -> Value<'a> {
        let open = self.token.position;
        let items = self.items();
        let close = self.scan().position;
        Value::Object { open, items, close }
    }

    fn list(&mut self) -> Value<'a> {
        let open = self.token.position;
        let mut elements = Vec::new();
        loop {
            let token = self.scan();
            match token.kind {
                TokenKind::RightBracket | TokenKind::End => return Value::List { open, elements },
                TokenKind::LeftBrace => elements.push(self.object()),
                TokenKind::LeftBracket => elements.push(self.list()),
                TokenKind::Comma => {
                    self.scan();
                    if self.line.is_some() && matches!(elements.last(), Some(Value::Literal(_))) {
                        let line = self.take_line();
                        if let Some(Value::Literal(literal)) = elements.last_mut() {
                            literal.line = line;
                        }
                    }
                    self.buffered = true;
                }
                _ => {
                    let lead = self.take_lead();
                    elements.push(Value::Literal(Literal { lead, ..self.literal() }));
                }
            }
        }
    }
}
