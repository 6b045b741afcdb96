//! What can go wrong, without ever showing what is secret.

use std::borrow::Cow;

/// The template cannot be compiled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("compiling the template: line {line}, column {column}: {message}")]
pub struct CompileError {
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// What is wrong; made of template text only.
    pub message: String,
}

/// The template cannot be rendered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("rendering the template: line {line}, column {column}: {fault}")]
pub struct RenderError {
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// The cause.
    pub fault: Fault,
}

/// Why a template stops. Names functions, fields and types as the template writes them; no value of a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// `{{ nil }}` or arguments to something that takes none.
    #[error("{0} cannot be used as a command here")]
    NotACommand(&'static str),
    /// Wrong number of arguments.
    #[error("{function} takes {wanted} arguments, not {got}")]
    ArgumentCount {
        /// Called function.
        function: String,
        /// `2`, or `at least 1`.
        wanted: String,
        /// As written.
        got: usize,
    },
    /// A function is on the deny list of this template.
    #[error("the function {0} is disabled for this template")]
    Denied(&'static str),
    /// A function refuses its arguments.
    #[error("{function}: {reason}")]
    Function {
        /// Called function.
        function: &'static str,
        /// Why; no data.
        reason: Cow<'static, str>,
    },
    /// More than a template may use.
    #[error("the template goes beyond the limit of {0}")]
    Limit(&'static str),
    /// `error_on_missing_key` and no such key.
    #[error("the map has no entry for the key {0:?}")]
    MissingKey(String),
    /// A field of nothing.
    #[error("{0:?} of a value that is nil")]
    NilField(String),
    /// A field that a type has not.
    #[error("the type {type_name} has no field {field:?}")]
    NoField {
        /// As written.
        field: String,
        /// Go's name of it.
        type_name: &'static str,
    },
    /// `range` over what is no collection.
    #[error("range cannot go over a value of type {0}")]
    Range(&'static str),
    /// `{{ template "x" }}` without a definition.
    #[error("no template is named {0:?}")]
    UndefinedTemplate(String),
    /// A variable assigned with `=` that nobody declared.
    #[error("the variable {0} is not declared")]
    UndefinedVariable(String),
    /// This build does not do it.
    #[error("{function} is not supported: {why}")]
    Unsupported {
        /// Called function.
        function: &'static str,
        /// The reason and the way out.
        why: &'static str,
    },
    /// A value of another type than the function takes.
    #[error("wrong type of value: {wanted} is needed, this is {got}")]
    WrongType {
        /// Go's name.
        wanted: &'static str,
        /// Go's name.
        got: &'static str,
    },
}

/// 1-based line and column (in characters) of a byte offset.
pub(crate) fn position(source: &str, offset: u32) -> (u32, u32) {
    let before = source.get(..offset as usize).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
