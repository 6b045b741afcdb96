//! A source cut into pieces without losing a byte: what an editor, a formatter or a fix works on.

use std::ops::Range;

use crate::is_json;
use crate::scanner::{Notation, Scanner, TokenKind};

#[cfg(test)]
mod tests;

/// A piece of a source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lexeme {
    /// What it is.
    pub kind: LexemeKind,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a piece of a source is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LexemeKind {
    /// Blanks, tabs and line ends.
    Space,
    /// A comment with its mark; a line's end is not part of it.
    Comment,
    /// A word without quotes.
    Word,
    /// A string with its quotes.
    String,
    /// A here-document from `<<` to the line end behind its closing word.
    HereDocument,
    /// A number.
    Number,
    /// `true`, `false`, and `null` in JSON.
    Constant,
    /// A bracket, a brace, or a sign between other pieces.
    Sign,
    /// What cannot stand where it stands.
    Unknown,
}

/// Cuts a source into pieces: each begins where the one before ends, the last one ends with the source.
#[must_use]
pub fn lexemes(text: &str) -> Vec<Lexeme> {
    let notation = if is_json(text) { Notation::Json } else { Notation::Text };
    let mut scanner = Scanner::new(text, notation);
    let mut pieces: Vec<Lexeme> = Vec::new();
    let mut end = 0;
    loop {
        let token = scanner.scan();
        // The scanner's place is that of the first character it read, which at the end is none.
        let start = if token.kind == TokenKind::End { text.len() } else { token.position.offset };
        if start > end {
            pieces.push(Lexeme { kind: LexemeKind::Space, span: end..start });
        }
        if token.kind == TokenKind::End {
            return pieces;
        }
        end = start + token.text.len();
        pieces.push(Lexeme { kind: kind(token.kind), span: start..end });
    }
}

/// The piece that holds a byte.
#[must_use]
pub fn lexeme_at(pieces: &[Lexeme], offset: usize) -> Option<&Lexeme> {
    let behind = pieces.partition_point(|piece| piece.span.end <= offset);
    pieces.get(behind)
}

fn kind(kind: TokenKind) -> LexemeKind {
    match kind {
        TokenKind::Comment => LexemeKind::Comment,
        TokenKind::Identifier => LexemeKind::Word,
        TokenKind::String => LexemeKind::String,
        TokenKind::HereDoc => LexemeKind::HereDocument,
        TokenKind::Float | TokenKind::Number => LexemeKind::Number,
        TokenKind::Bool | TokenKind::Null => LexemeKind::Constant,
        TokenKind::End | TokenKind::Illegal => LexemeKind::Unknown,
        TokenKind::Add
        | TokenKind::Assign
        | TokenKind::Colon
        | TokenKind::Comma
        | TokenKind::LeftBrace
        | TokenKind::LeftBracket
        | TokenKind::Period
        | TokenKind::RightBrace
        | TokenKind::RightBracket
        | TokenKind::Subtract => LexemeKind::Sign,
    }
}
