//! Tokens of HCL text and of the JSON that the same library reads.

use crate::Position;
use crate::cursor::{Cursor, END};

#[cfg(test)]
mod tests;

/// One token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) position: Position,
    /// As it stands in the source.
    pub(crate) text: &'a str,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenKind {
    Add,
    Assign,
    Bool,
    Colon,
    Comma,
    Comment,
    End,
    Float,
    HereDoc,
    Identifier,
    Illegal,
    LeftBrace,
    LeftBracket,
    Null,
    Number,
    Period,
    RightBrace,
    RightBracket,
    String,
    Subtract,
}

/// Which of the two notations is read.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Notation {
    Json,
    Text,
}

/// Cuts a source into tokens.
pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    notation: Notation,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, notation: Notation) -> Self {
        Self { cursor: Cursor::new(text, notation), notation }
    }

    /// The next token; faults are noted in the cursor and reading goes on, as in the servers.
    pub(crate) fn scan(&mut self) -> Token<'a> {
        let mut read = self.cursor.next();
        while matches!(read, ' ' | '\t' | '\n' | '\r') {
            read = self.cursor.next();
        }
        let start = self.cursor.last_offset();
        let position = self.cursor.position();
        let kind = match read {
            _ if is_letter(read) => self.word(start),
            '0'..='9' => self.number(read),
            END => TokenKind::End,
            '"' => self.string(),
            '.' => self.period(),
            '[' => TokenKind::LeftBracket,
            ']' => TokenKind::RightBracket,
            '{' => TokenKind::LeftBrace,
            '}' => TokenKind::RightBrace,
            ',' => TokenKind::Comma,
            '-' => self.minus(),
            ':' if self.notation == Notation::Json => TokenKind::Colon,
            '#' | '/' if self.notation == Notation::Text => self.comment(read),
            '<' if self.notation == Notation::Text => self.here_document(),
            '=' if self.notation == Notation::Text => TokenKind::Assign,
            '+' if self.notation == Notation::Text => TokenKind::Add,
            _ => self.illegal(read),
        };
        Token { kind, position, text: self.cursor.slice(start, self.cursor.offset()) }
    }

    /// True when a fault was noted.
    pub(crate) fn has_fault(&self) -> bool {
        self.cursor.has_fault()
    }

    /// The faults noted so far; the last one is reported in place of the parser's error.
    pub(crate) fn take_faults(&mut self) -> Vec<crate::Error> {
        self.cursor.take_faults()
    }

    fn illegal(&mut self, read: char) -> TokenKind {
        let message = match read {
            '\'' => "strings are quoted with \", not with '".to_owned(),
            ':' => "a key and its value are joined by =, not by :".to_owned(),
            ';' => "attributes are separated by a line end or a comma, not by ;".to_owned(),
            '\u{feff}' => "the file starts with a byte order mark; save it as plain UTF-8".to_owned(),
            _ => format!("{read:?} cannot stand here"),
        };
        match self.notation {
            Notation::Json => self.cursor.fail(&format!("illegal char: {read}"), &message),
            Notation::Text => self.cursor.fail("illegal char", &message),
        }
        TokenKind::Illegal
    }

    fn word(&mut self, start: usize) -> TokenKind {
        let mut read = self.cursor.next();
        while is_letter(read) || is_digit(read) || read == '-' || (read == '.' && self.notation == Notation::Text) {
            read = self.cursor.next();
        }
        if read != END {
            self.cursor.unread();
        }
        match (self.cursor.slice(start, self.cursor.offset()), self.notation) {
            ("true" | "false", _) => TokenKind::Bool,
            ("null", Notation::Json) => TokenKind::Null,
            (word, Notation::Json) => {
                let message = format!("{word} is not JSON: strings and keys are quoted with \"");
                self.cursor.fail("illegal char", &message);
                TokenKind::Illegal
            }
            (_, Notation::Text) => TokenKind::Identifier,
        }
    }

    fn minus(&mut self) -> TokenKind {
        if self.cursor.peek().is_ascii_digit() {
            let first = self.cursor.next();
            return self.number(first);
        }
        match self.notation {
            Notation::Json => {
                self.cursor.fail("illegal char", "- stands before a number");
                TokenKind::Illegal
            }
            Notation::Text => TokenKind::Subtract,
        }
    }

    fn period(&mut self) -> TokenKind {
        let first = self.cursor.peek();
        if !first.is_ascii_digit() {
            return TokenKind::Period;
        }
        let read = self.digits(first);
        self.exponent(read);
        TokenKind::Float
    }

    fn number(&mut self, first: char) -> TokenKind {
        if first == '0' && self.notation == Notation::Text {
            return self.zero();
        }
        let start = self.cursor.offset();
        self.digits(first);
        let read = self.cursor.next();
        let kind = self.after_digits(read);
        if first == '0' && kind == TokenKind::Number && self.cursor.offset() != start {
            self.cursor.fail("numbers cannot start with 0", "a JSON number has no leading 0");
        }
        kind
    }

    /// Behind a leading zero: hexadecimal, octal, or a float.
    fn zero(&mut self) -> TokenKind {
        let mut read = self.cursor.next();
        if matches!(read, 'x' | 'X') {
            return self.hexadecimal();
        }
        let mut illegal_octal = false;
        while read.is_ascii_digit() {
            read = self.cursor.next();
            illegal_octal |= matches!(read, '8' | '9');
        }
        if illegal_octal && !matches!(read, 'e' | 'E' | '.') {
            self.cursor.fail("illegal octal number", "a number with a leading 0 is octal: 8 and 9 cannot stand in it");
        }
        self.after_digits(read)
    }

    fn hexadecimal(&mut self) -> TokenKind {
        let mut read = self.cursor.next();
        let mut found = false;
        while read.is_ascii_hexdigit() {
            read = self.cursor.next();
            found = true;
        }
        if !found {
            self.cursor.fail("illegal hexadecimal number", "0x needs at least one hexadecimal digit");
        }
        if read != END {
            self.cursor.unread();
        }
        TokenKind::Number
    }

    /// Exponent, fraction, or the end of a number, given the character behind its digits.
    fn after_digits(&mut self, read: char) -> TokenKind {
        match read {
            'e' | 'E' => {
                self.exponent(read);
                TokenKind::Float
            }
            '.' => {
                let first = self.cursor.peek();
                if matches!(self.digits(first), 'e' | 'E') {
                    let read = self.cursor.next();
                    self.exponent(read);
                }
                TokenKind::Float
            }
            END => TokenKind::Number,
            _ => {
                self.cursor.unread();
                TokenKind::Number
            }
        }
    }

    /// Reads on while there are digits; answers with the first character that is none, unread.
    fn digits(&mut self, first: char) -> char {
        let mut read = first;
        let mut found = false;
        while read.is_ascii_digit() {
            read = self.cursor.next();
            found = true;
        }
        if found && read != END {
            self.cursor.unread();
        }
        read
    }

    fn exponent(&mut self, read: char) {
        if !matches!(read, 'e' | 'E') {
            return;
        }
        let mut read = self.cursor.next();
        if matches!(read, '-' | '+') {
            read = self.cursor.next();
        }
        self.digits(read);
    }

    fn string(&mut self) -> TokenKind {
        let mut braces = 0_usize;
        loop {
            let read = self.cursor.next();
            let line_end = read == '\n' && (braces == 0 || self.notation == Notation::Json);
            if line_end || read == END {
                self.cursor.fail("literal not terminated", "this string has no closing \"");
                break;
            }
            if read == '"' && (braces == 0 || self.notation == Notation::Json) {
                break;
            }
            // Between `${` and its `}` a quote does not end the string, and a line end may stand in it.
            if braces == 0 && read == '$' && self.cursor.peek() == '{' {
                braces += 1;
                self.cursor.next();
            } else if braces > 0 && read == '{' {
                braces += 1;
            }
            if braces > 0 && read == '}' {
                braces -= 1;
            }
            if read == '\\' {
                self.escape();
            }
        }
        TokenKind::String
    }

    fn escape(&mut self) {
        match self.cursor.next() {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"' => {}
            first @ '0'..='7' => self.escape_digits(first, 8, 3),
            'x' => self.escape_number(2),
            'u' => self.escape_number(4),
            'U' => self.escape_number(8),
            _ => self.bad_escape(),
        }
    }

    fn escape_number(&mut self, count: usize) {
        let first = self.cursor.next();
        self.escape_digits(first, 16, count);
    }

    fn escape_digits(&mut self, first: char, radix: u32, count: usize) {
        let mut read = first;
        let mut left = count;
        while left > 0 && read.is_digit(radix) {
            read = self.cursor.next();
            if read == END {
                break;
            }
            left -= 1;
        }
        if left > 0 {
            self.bad_escape();
        }
        if left != count && read != END {
            self.cursor.unread();
        }
    }

    fn bad_escape(&mut self) {
        let message = "unknown escape in a string; a backslash itself is written \\\\";
        self.cursor.fail("illegal char escape", message);
    }

    fn comment(&mut self, first: char) -> TokenKind {
        let peek = self.cursor.peek();
        if first == '/' && peek != '*' && peek != '/' {
            let message = "a path or a name with / must be quoted; a comment starts with #, // or /*";
            self.cursor.fail("expected '/' for comment", message);
        } else if first == '/' && peek == '*' {
            self.block_comment();
        } else {
            let mut read = self.cursor.next();
            while read != '\n' && read != END {
                read = self.cursor.next();
            }
            if read != END {
                self.cursor.unread();
            }
        }
        TokenKind::Comment
    }

    fn block_comment(&mut self) {
        self.cursor.next();
        let mut read = self.cursor.next();
        loop {
            if read == END {
                self.cursor.fail("comment not terminated", "this comment has no closing */");
                break;
            }
            let before = read;
            read = self.cursor.next();
            if before == '*' && read == '/' {
                break;
            }
        }
    }

    fn here_document(&mut self) -> TokenKind {
        if let Err((server, message)) = self.here_document_body() {
            self.cursor.fail(server, message);
        }
        TokenKind::HereDoc
    }

    fn here_document_body(&mut self) -> Result<(), (&'static str, &'static str)> {
        const UNTERMINATED: (&str, &str) =
            ("heredoc not terminated", "the closing word of this here-document is missing");
        if self.cursor.next() != '<' {
            return Err(("heredoc expected second '<', didn't see it", "a here-document starts with <<"));
        }
        let start = self.cursor.offset();
        let mut read = self.cursor.next();
        if read == '-' {
            read = self.cursor.next();
        }
        while is_letter(read) || is_digit(read) {
            read = self.cursor.next();
        }
        match read {
            END => return Err(UNTERMINATED),
            '\n' => {}
            _ => {
                return Err((
                    "invalid characters in heredoc anchor",
                    "a line end must follow the word of a here-document",
                ));
            }
        }
        let anchor = self.cursor.slice(start, self.cursor.last_offset());
        let word = anchor.strip_prefix('-').unwrap_or(anchor);
        if word.is_empty() {
            return Err(("zero-length heredoc anchor", "a here-document needs a word behind <<"));
        }
        let mut line_start = self.cursor.offset();
        loop {
            match self.cursor.next() {
                END => return Err(UNTERMINATED),
                '\n' => {
                    let line = self.cursor.slice(line_start, self.cursor.last_offset());
                    // The servers compare with the length of the word and its dash: `<<-EOF` is not closed by a bare `EOF`.
                    if line.len() >= anchor.len() && line.trim_start_matches(is_space).trim_end_matches('\r') == word {
                        return Ok(());
                    }
                    line_start = self.cursor.offset();
                }
                _ => {}
            }
        }
    }
}

impl TokenKind {
    /// The name that the servers' messages use.
    pub(crate) fn server_name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Assign => "ASSIGN",
            Self::Bool => "BOOL",
            Self::Colon => "COLON",
            Self::Comma => "COMMA",
            Self::Comment => "COMMENT",
            Self::End => "EOF",
            Self::Float => "FLOAT",
            Self::HereDoc => "HEREDOC",
            Self::Identifier => "IDENT",
            Self::Illegal => "ILLEGAL",
            Self::LeftBrace => "LBRACE",
            Self::LeftBracket => "LBRACK",
            Self::Null => "NULL",
            Self::Number => "NUMBER",
            Self::Period => "PERIOD",
            Self::RightBrace => "RBRACE",
            Self::RightBracket => "RBRACK",
            Self::String => "STRING",
            Self::Subtract => "SUB",
        }
    }

    /// What our messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Assign => "=",
            Self::Bool => "a boolean",
            Self::Colon => ":",
            Self::Comma => ",",
            Self::Comment => "a comment",
            Self::End => "the end of the file",
            Self::Float | Self::Number => "a number",
            Self::HereDoc => "a here-document",
            Self::Identifier => "a bare word",
            Self::Illegal => "a character that cannot stand here",
            Self::LeftBrace => "{",
            Self::LeftBracket => "[",
            Self::Null => "null",
            Self::Period => ".",
            Self::RightBrace => "}",
            Self::RightBracket => "]",
            Self::String => "a string",
            Self::Subtract => "-",
        }
    }
}

/// Go's `unicode.IsLetter`, but for combining vowel signs, which Rust counts as alphabetic.
fn is_letter(read: char) -> bool {
    read == '_' || (read.is_alphabetic() && !read.is_numeric())
}

/// Go's `unicode.IsDigit`, but for superscripts and fractions, which Rust counts as numeric.
fn is_digit(read: char) -> bool {
    read.is_ascii_digit() || (!read.is_ascii() && read.is_numeric() && !read.is_alphabetic())
}

fn is_space(read: char) -> bool {
    matches!(read, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}
