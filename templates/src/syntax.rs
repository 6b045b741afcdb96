//! The syntax tree of a template, as Go's `text/template/parse` builds it.

pub(crate) use lexer::{Lexer, Token, TokenKind};
pub(crate) use number::Number;
pub(crate) use parser::parse;

use std::collections::BTreeMap;

use crate::functions::Function;

mod lexer;
mod number;
mod parser;

/// Byte offset into the source.
pub(crate) type Offset = u32;

/// Every named template of one source; the source itself has the empty name.
pub(crate) type Trees = BTreeMap<String, Vec<Node>>;

/// What stands between texts.
pub(crate) enum Node {
    Text(Box<str>),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { at: Offset, name: String, argument: Option<Pipeline> },
    Break,
    Continue,
}

/// `if`, `with` or `range` with its bodies.
pub(crate) struct Branch {
    pub(crate) at: Offset,
    pub(crate) condition: Pipeline,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// Commands joined by `|`, with the variables that take the result.
pub(crate) struct Pipeline {
    pub(crate) at: Offset,
    /// The offset after its last token.
    pub(crate) end: Offset,
    pub(crate) targets: Vec<Box<str>>,
    /// `=` instead of `:=`.
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// A first word and its arguments.
pub(crate) struct Command {
    pub(crate) first: Operand,
    pub(crate) arguments: Vec<Operand>,
}

/// One word of a command.
pub(crate) struct Operand {
    pub(crate) at: Offset,
    pub(crate) kind: OperandKind,
}

pub(crate) enum OperandKind {
    Bool(bool),
    /// A call or a parenthesis followed by fields.
    Chain(Box<Operand>, Vec<Box<str>>),
    Dot,
    Field(Vec<Box<str>>),
    Function(&'static Function),
    Nil,
    Number(Number),
    Parenthesis(Box<Pipeline>),
    Text(Box<[u8]>),
    Variable(Box<str>, Vec<Box<str>>),
}

#[cfg(test)]
mod tests;
