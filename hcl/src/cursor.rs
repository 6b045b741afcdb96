//! A cursor over the source that counts lines and columns as the servers' scanner does.

use crate::scanner::Notation;
use crate::{Error, MOST_ERRORS, Position};

/// What reading past the end gives; a NUL in the source is a fault, so the two are never confused.
pub(crate) const END: char = '\0';

/// The source and where we are in it.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: Place,
    previous: Place,
    last_line_length: usize,
    notation: Notation,
    faults: Vec<Error>,
}

#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    line: usize,
    /// Characters read on this line; 0 directly behind a line end.
    column: usize,
    /// Bytes of the last character read.
    last_length: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first character; in HCL text `\r\n` is read as one `\n`.
    pub(crate) fn new(text: &'a str, notation: Notation) -> Self {
        let start = Place { offset: 0, line: 1, column: 0, last_length: 0 };
        Self { text, at: start, previous: start, last_line_length: 0, notation, faults: Vec::new() }
    }

    /// Reads one character, or [`END`].
    pub(crate) fn next(&mut self) -> char {
        let Some((read, length)) = self.look() else {
            // The servers' scanner counts a column for every look at the end; their messages show it.
            self.previous = self.at;
            self.at.column += 1;
            self.at.last_length = 0;
            return END;
        };
        self.previous = self.at;
        self.at.column += 1;
        self.at.offset += length;
        self.at.last_length = length;
        match read {
            '\n' => {
                self.at.line += 1;
                self.last_line_length = self.at.column;
                self.at.column = 0;
            }
            '\0' => self.fail("unexpected null character (0x00)", "a NUL byte cannot stand in a file"),
            '\u{e123}' => self.fail("unicode code point U+E123 used by internally", "U+E123 cannot stand in a file"),
            _ => {}
        }
        read
    }

    /// Gives back what `next` read last.
    pub(crate) fn unread(&mut self) {
        self.at = self.previous;
    }

    /// The character that `next` would read, or [`END`].
    pub(crate) fn peek(&self) -> char {
        self.look().map_or(END, |(read, _)| read)
    }

    /// Byte offset behind the last character read.
    pub(crate) fn offset(&self) -> usize {
        self.at.offset
    }

    /// Byte offset of the last character read.
    pub(crate) fn last_offset(&self) -> usize {
        self.at.offset - self.at.last_length
    }

    /// The source between two offsets.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Place of the last character read.
    pub(crate) fn position(&self) -> Position {
        if self.at.column > 0 {
            return Position { line: self.at.line, column: self.at.column, offset: self.last_offset() };
        }
        if self.last_line_length > 0 {
            return Position { line: self.at.line - 1, column: self.last_line_length, offset: self.last_offset() };
        }
        Position { line: 1, column: 1, offset: 0 }
    }

    /// Notes a fault of the scanner at the last character; the servers report the last one noted.
    pub(crate) fn fail(&mut self, server: &str, message: &str) {
        let position = self.position();
        // Beyond some nobody reads them, and a file can hold millions; the last one is the servers'.
        self.faults.truncate(MOST_ERRORS);
        self.faults.push(match self.notation {
            Notation::Json => {
                let server = format!("{}:{}: {server}", position.line, position.column);
                Error { position, message: message.to_owned(), server }
            }
            Notation::Text => Error::placed(position, message, server),
        });
    }

    /// True when a fault was noted.
    pub(crate) fn has_fault(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The faults noted so far; the servers report the last one.
    pub(crate) fn take_faults(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.faults)
    }

    fn look(&self) -> Option<(char, usize)> {
        let rest = self.text.get(self.at.offset..)?;
        if self.notation == Notation::Text && rest.starts_with("\r\n") {
            return Some(('\n', 2));
        }
        rest.chars().next().map(|read| (read, read.len_utf8()))
    }
}
