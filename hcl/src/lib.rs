//! HCL 1 as Vault and OpenBao read it: text or JSON to a tree with positions, and back.
//!
//! One reader serves the agent's configuration and the policy files, because both servers parse both with the same
//! library (HCL 1, which is not HCL 2: `{` may stand on the next line, `${` is literal, JSON is accepted too). What the
//! servers write into their files as a string and read in a way of their own is here as well: [`duration`].

mod cursor;
pub mod duration;
mod format;
mod json;
mod lexemes;
mod literal;
mod print;
mod scanner;
mod text;
mod tokens;

pub use format::{FormatError, format};
pub use lexemes::{Lexeme, LexemeKind, lexeme_at, lexemes};
pub use literal::go_quote;
pub use print::{PrintError, print, quote};

/// How deep objects and lists may nest; the servers have no limit of their own but their stack.
pub const MAX_DEPTH: usize = 128;

/// Reads HCL 1 text, or JSON when the first character that is no white space is `{`, as the servers do.
///
/// JSON comes as it is nested; a policy reader wants it [`flattened`](Body::flattened), as the servers see it.
///
/// # Errors
/// An [`Error`] with the place, for every text that the servers refuse; and, where they go on, for strings whose
/// escapes give no UTF-8 (`\xff`) and nesting deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Body, Error> {
    if is_json(text) { json::parse(text) } else { text::parse(text) }
}

/// What could be read of a text that has errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The items without an error.
    pub body: Body,
    /// The error that the servers answer with, then the others in the order of the text, a hundred or so at most.
    pub errors: Vec<Error>,
}

/// Reads a text as [`parse`] does, and on behind errors.
#[must_use]
pub fn recover(text: &str) -> Recovered {
    let first = match parse(text) {
        Ok(body) => return Recovered { body, errors: Vec::new() },
        Err(error) => error,
    };
    let (body, mut others) = if is_json(text) { (Body::default(), Vec::new()) } else { text::recover(text) };
    others.retain(|error| error.position.line != first.position.line);
    others.sort_by_key(|error| error.position);
    others.dedup_by_key(|error| error.position.line);
    others.insert(0, first);
    Recovered { body, errors: others }
}

/// True when the servers would read a text as JSON: its first character that is no white space is `{`.
#[must_use]
pub fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// How many errors of a text are looked for.
const MOST_ERRORS: usize = 100;

/// A place in the source: 1-based line and column (in characters), and the byte offset.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// Byte offset from the start of the text.
    pub offset: usize,
}

/// The items of a file or of an object, in source order; a key may stand more than once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// What the body holds.
    pub items: Vec<Item>,
}

/// `key label... = value` or `key label... { ... }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The key and its labels: `path "secret/*"` has two.
    pub keys: Vec<Key>,
    /// What stands behind the keys.
    pub value: Value,
    /// True for `key = value`, false for a block without `=`.
    pub assigned: bool,
}

/// A key or a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its text, unquoted.
    pub text: String,
    /// Where it starts.
    pub position: Position,
}

/// A value and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it starts.
    pub position: Position,
}

/// The kinds of values HCL 1 knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool(bool),
    /// JSON's `null` (HCL text has none).
    Null,
    /// A number as it was written.
    Number(String),
    /// A string, unquoted and unescaped, or a here-document.
    String(String),
    /// `[a, b]`.
    List(Vec<Value>),
    /// `{ ... }`.
    Object(Body),
}

impl Body {
    /// JSON objects turned into blocks with labels, as the servers' reader does after parsing JSON (and only then):
    /// `{"path": {"a": {...}}}` becomes `path "a" {...}`.
    #[must_use]
    pub fn flattened(self) -> Self {
        json::flatten(self)
    }
}

/// Why a text is not HCL 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}:{}: {message}", position.line, position.column)]
pub struct Error {
    /// Where reading stopped.
    pub position: Position,
    /// What was found and what would have been right.
    pub message: String,
    server: String,
}

impl Error {
    /// The sentence that the servers answer with.
    #[must_use]
    pub fn server_message(&self) -> &str {
        &self.server
    }

    /// An error whose sentence the servers begin with the place.
    fn placed(position: Position, message: &str, server: &str) -> Self {
        let server = format!("At {}:{}: {server}", position.line, position.column);
        Self { position, message: message.to_owned(), server }
    }
}
