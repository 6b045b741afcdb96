//! Every function a template may call: one table, which the parser uses to know names and the evaluator to check types.

use std::borrow::Cow;
use std::rc::Rc;

use crate::error::Fault;
use crate::eval::Eval;
use crate::text::Text;
use crate::value::{List, Map, Value};

pub(crate) mod methods;
pub(crate) mod random;

mod api;
mod builtin;
mod collections;
mod compare;
mod encode;
mod math;
mod spew;
mod sprig;
mod text;

/// The type of a parameter. Go converts nothing for a template: an `int64` is not an `int`, a `json.Number` not a `string`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `interface {}`
    Any,
    Bool,
    Float,
    Int,
    /// `[]interface {}`
    List,
    /// `map[string]interface {}`
    Map,
    /// Go's `reflect.Value`: nothing at all stays nothing.
    Operand,
    Text,
    /// `[]string`
    Texts,
    Time,
}

/// The body of a function: gets validated arguments.
pub(crate) type Body = for<'a> fn(&mut Eval<'a>, Args<'a>) -> Result<Value<'a>, Fault>;

/// A function and what it takes.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Kind],
    /// Any number more of these.
    pub(crate) rest: Option<Kind>,
    pub(crate) call: Body,
}

/// Finds a function by the name a template uses.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let tables = TABLES.iter().chain(&sprig::TABLES);
    tables.flat_map(|table| table.iter()).find(|function| function.name == name)
}

const TABLES: &[&[Function]] = &[
    api::TABLE,
    builtin::TABLE,
    collections::TABLE,
    compare::TABLE,
    encode::TABLE,
    math::TABLE,
    spew::TABLE,
    text::TABLE,
];

impl Kind {
    /// Go's name of the type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Float => "float64",
            Self::Int => "int",
            Self::List => "[]interface {}",
            Self::Map => "map[string]interface {}",
            Self::Operand => "a value",
            Self::Text => "string",
            Self::Texts => "[]string",
            Self::Time => "time.Time",
        }
    }

    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::List | Self::Map | Self::Operand | Self::Texts)
    }
}

impl Function {
    /// The type of the argument at `index`.
    pub(crate) fn kind(&self, index: usize) -> Kind {
        self.parameters.get(index).copied().or(self.rest).unwrap_or(Kind::Any)
    }
}

/// Validated arguments. What is not there reads as a zero, which the parameter list makes impossible.
pub(crate) struct Args<'a> {
    name: &'static str,
    values: Vec<Value<'a>>,
}

impl<'a> Args<'a> {
    pub(crate) fn new(name: &'static str, values: Vec<Value<'a>>) -> Self {
        Self { name, values }
    }

    /// The name of the called function.
    pub(crate) fn function(&self) -> &'static str {
        self.name
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn value(&self, index: usize) -> Value<'a> {
        self.values.get(index).cloned().unwrap_or(Value::Invalid)
    }

    pub(crate) fn rest(&self, from: usize) -> &[Value<'a>] {
        self.values.get(from..).unwrap_or_default()
    }

    pub(crate) fn text(&self, index: usize) -> Text<'a> {
        match self.values.get(index) {
            Some(Value::Number(text) | Value::Text(text)) => text.clone(),
            _ => Text::default(),
        }
    }

    /// A text with U+FFFD for what is not UTF-8.
    pub(crate) fn str(&self, index: usize) -> Cow<'_, str> {
        match self.values.get(index) {
            Some(Value::Number(text) | Value::Text(text)) => text.lossy(),
            _ => Cow::Borrowed(""),
        }
    }

    pub(crate) fn int(&self, index: usize) -> i64 {
        match self.values.get(index) {
            Some(Value::Int(number, _)) => *number,
            _ => 0,
        }
    }

    pub(crate) fn map(&self, index: usize) -> Result<Rc<Map<'a>>, Fault> {
        match self.values.get(index) {
            Some(Value::Map(map)) => Ok(Rc::clone(map)),
            other => Err(wrong(Kind::Map, other)),
        }
    }

    pub(crate) fn list(&self, index: usize) -> Result<Rc<List<'a>>, Fault> {
        match self.values.get(index) {
            Some(Value::List(list)) => Ok(Rc::clone(list)),
            other => Err(wrong(Kind::List, other)),
        }
    }

    /// An error of this function.
    pub(crate) fn fail(&self, reason: impl Into<Cow<'static, str>>) -> Fault {
        Fault::Function { function: self.name, reason: reason.into() }
    }
}

fn wrong(wanted: Kind, got: Option<&Value<'_>>) -> Fault {
    Fault::WrongType { wanted: wanted.name(), got: got.map_or("nothing", Value::type_name) }
}

/// Writes a table: name, parameters, after a semicolon the type of any number more, body.
macro_rules! functions {
    ($($name:literal ($($kind:ident),* $(; $rest:ident)?) $body:expr;)*) => {
        pub(super) const TABLE: &[$crate::functions::Function] = &[$($crate::functions::Function {
            name: $name,
            parameters: &[$($crate::functions::Kind::$kind),*],
            rest: $crate::functions::rest!($($rest)?),
            call: $body,
        }),*];
    };
}

macro_rules! rest {
    () => {
        None
    };
    ($kind:ident) => {
        Some($crate::functions::Kind::$kind)
    };
}

use {functions, rest};

#[cfg(test)]
mod tests;
