//! Source text to tokens. Spaces are tokens too: in Go `.a.b` is one operand and `.a .b` are two.

use super::Offset;

/// What a token is; keywords stand for themselves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenKind {
    Assign,
    Bool,
    Character,
    Declare,
    Dot,
    End,
    Field,
    Identifier,
    Keyword,
    LeftDelim,
    LeftParen,
    Nil,
    Number,
    Pipe,
    Punctuation,
    Raw,
    RightDelim,
    RightParen,
    Space,
    Str,
    Text,
    Variable,
}

/// A piece of the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'s> {
    pub(crate) kind: TokenKind,
    pub(crate) at: Offset,
    pub(crate) text: &'s str,
}

const KEYWORDS: [&str; 10] = ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
const TRIM_MARKER: usize = 2; // a minus and the space beside it

/// Cuts a source into tokens.
pub(crate) struct Lexer<'s> {
    source: &'s str,
    left: &'s str,
    right: &'s str,
    position: usize,
    parentheses: usize,
    tokens: Vec<Token<'s>>,
}

type Failure = (Offset, String);

impl<'s> Lexer<'s> {
    /// All tokens of `source`, ending in one of kind `End`.
    ///
    /// # Errors
    /// Where a token cannot be read, and why.
    pub(crate) fn tokenize(source: &'s str, left: &'s str, right: &'s str) -> Result<Vec<Token<'s>>, Failure> {
        let mut lexer = Self { source, left, right, position: 0, parentheses: 0, tokens: Vec::new() };
        while let Some(start) = lexer.rest().find(left) {
            lexer.text_until(lexer.position + start);
            lexer.left_delimiter()?;
        }
        lexer.text_until(source.len());
        lexer.push(TokenKind::End, source.len(), source.len());
        Ok(lexer.tokens)
    }

    /// The text before an action, without its trailing space if the action asks for that.
    fn text_until(&mut self, end: usize) {
        let text = self.source.get(self.position..end).unwrap_or_default();
        let action = self.source.get(end + self.left.len()..).unwrap_or_default();
        let kept = if has_left_trim(action) { text.trim_end_matches(SPACES) } else { text };
        if !kept.is_empty() {
            self.push(TokenKind::Text, self.position, self.position + kept.len());
        }
        self.position = end;
    }

    fn left_delimiter(&mut self) -> Result<(), Failure> {
        let start = self.position;
        self.position += self.left.len();
        let marker = if has_left_trim(self.rest()) { TRIM_MARKER } else { 0 };
        if self.source.get(self.position + marker..).unwrap_or_default().starts_with("/*") {
            self.position += marker;
            return self.comment(start);
        }
        self.push(TokenKind::LeftDelim, start, self.position);
        self.position += marker;
        self.parentheses = 0;
        while !self.at_right_delimiter().0 {
            self.token(start)?;
        }
        if self.parentheses > 0 {
            return Err(self.failure(self.position, "unclosed left parenthesis"));
        }
        let start = self.position;
        self.skip_right_delimiter();
        self.push(TokenKind::RightDelim, start, start + self.right.len());
        Ok(())
    }

    fn comment(&mut self, start: usize) -> Result<(), Failure> {
        let Some(length) = self.source.get(self.position + 2..).and_then(|text| text.find("*/")) else {
            return Err(self.failure(start, "unclosed comment"));
        };
        self.position += length + 4;
        if !self.at_right_delimiter().0 {
            return Err(self.failure(start, "the comment ends before the closing delimiter"));
        }
        self.skip_right_delimiter();
        Ok(())
    }

    fn token(&mut self, action: usize) -> Result<(), Failure> {
        let start = self.position;
        let Some(first) = self.rest().chars().next() else {
            return Err(self.failure(action, "unclosed action"));
        };
        self.position += first.len_utf8();
        let kind = match first {
            ' ' | '\t' | '\r' | '\n' => {
                while self.rest().starts_with(SPACES) && !self.at_right_delimiter().0 {
                    self.position += 1;
                }
                TokenKind::Space
            }
            '=' => TokenKind::Assign,
            ':' if self.accept('=') => TokenKind::Declare,
            ':' => return Err(self.failure(start, "expected :=")),
            '|' => TokenKind::Pipe,
            '"' => self.quoted('"', TokenKind::Str, "unterminated quoted string")?,
            '\'' => self.quoted('\'', TokenKind::Character, "unterminated character constant")?,
            '`' => {
                let Some(length) = self.rest().find('`') else {
                    return Err(self.failure(start, "unterminated raw quoted string"));
                };
                self.position += length + 1;
                TokenKind::Raw
            }
            '$' => self.word(TokenKind::Variable)?,
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => self.word(TokenKind::Field)?,
            '.' | '+' | '-' | '0'..='9' => {
                self.position = start;
                self.number()?
            }
            '(' => {
                self.parentheses += 1;
                TokenKind::LeftParen
            }
            ')' => {
                if self.parentheses == 0 {
                    return Err(self.failure(start, "unexpected right parenthesis"));
                }
                self.parentheses -= 1;
                TokenKind::RightParen
            }
            c if is_word(c) => {
                self.position = start;
                self.word(TokenKind::Identifier)?
            }
            c if c.is_ascii_graphic() => TokenKind::Punctuation,
            c => return Err(self.failure(start, &format!("unrecognized character in action: {c:?}"))),
        };
        self.push(self.refine(kind, start), start, self.position);
        Ok(())
    }

    /// Tells keywords, truth values and bare dots from other words.
    fn refine(&self, kind: TokenKind, start: usize) -> TokenKind {
        let word = self.source.get(start..self.position).unwrap_or_default();
        match (kind, word) {
            (TokenKind::Field, ".") => TokenKind::Dot,
            (TokenKind::Identifier, "true" | "false") => TokenKind::Bool,
            (TokenKind::Identifier, "nil") => TokenKind::Nil,
            (TokenKind::Identifier, _) if KEYWORDS.contains(&word) => TokenKind::Keyword,
            _ => kind,
        }
    }

    fn word(&mut self, kind: TokenKind) -> Result<TokenKind, Failure> {
        while self.rest().starts_with(is_word) {
            self.position += self.rest().chars().next().map_or(0, char::len_utf8);
        }
        let rest = self.rest();
        if rest.is_empty()
            || rest.starts_with(SPACES)
            || rest.starts_with(['.', ',', '|', ':', ')', '('])
            || rest.starts_with(self.right)
        {
            return Ok(kind);
        }
        let bad = rest.chars().next().unwrap_or_default();
        Err(self.failure(self.position, &format!("bad character {bad:?}")))
    }

    fn quoted(&mut self, quote: char, kind: TokenKind, message: &str) -> Result<TokenKind, Failure> {
        let start = self.position - 1;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => {
                    self.position += offset + 1;
                    return Ok(kind);
                }
                _ => {}
            }
        }
        Err(self.failure(start, message))
    }

    fn number(&mut self) -> Result<TokenKind, Failure> {
        let start = self.position;
        let _signed = self.accept('+') || self.accept('-');
        let mut is_digit: fn(char) -> bool = |c| c.is_ascii_digit() || c == '_';
        let mut exponent: &[char] = &['e', 'E'];
        if self.accept('0') {
            if self.accept('x') || self.accept('X') {
                is_digit = |c| c.is_ascii_hexdigit() || c == '_';
                exponent = &['p', 'P'];
            } else if self.accept('o') || self.accept('O') || self.accept('b') || self.accept('B') {
                exponent = &[];
            }
        }
        self.accept_while(is_digit);
        if self.accept('.') {
            self.accept_while(is_digit);
        }
        if self.rest().starts_with(exponent) {
            self.position += 1;
            let _signed = self.accept('+') || self.accept('-');
            self.accept_while(|c| c.is_ascii_digit() || c == '_');
        }
        if self.rest().starts_with(is_word) || self.rest().starts_with(['+', '-']) {
            let text = self.source.get(start..self.position).unwrap_or_default();
            return Err(
                self.failure(start, &format!("bad number syntax after {text:?}; complex numbers are not supported"))
            );
        }
        Ok(TokenKind::Number)
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.position..).unwrap_or_default()
    }

    fn accept(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.position += usize::from(found);
        found
    }

    fn accept_while(&mut self, wanted: fn(char) -> bool) {
        while self.rest().starts_with(wanted) {
            self.position += 1;
        }
    }

    /// Is this the closing delimiter, and does it trim?
    fn at_right_delimiter(&self) -> (bool, bool) {
        let rest = self.rest();
        let trims = rest.starts_with(SPACES)
            && rest.get(1..).is_some_and(|text| text.starts_with('-'))
            && rest.get(TRIM_MARKER..).is_some_and(|text| text.starts_with(self.right));
        (trims || rest.starts_with(self.right), trims)
    }

    fn skip_right_delimiter(&mut self) {
        let (_, trims) = self.at_right_delimiter();
        self.position += self.right.len() + if trims { TRIM_MARKER } else { 0 };
        if trims {
            self.position = self.source.len() - self.rest().trim_start_matches(SPACES).len();
        }
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let text = self.source.get(start..end).unwrap_or_default();
        self.tokens.push(Token { kind, at: offset(start), text });
    }

    fn failure(&self, at: usize, message: &str) -> Failure {
        (offset(at), message.to_owned())
    }
}

fn offset(position: usize) -> Offset {
    Offset::try_from(position).unwrap_or(Offset::MAX)
}

fn has_left_trim(action: &str) -> bool {
    action.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACES))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
