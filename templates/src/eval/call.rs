//! Commands, operands and calls.

use super::{Eval, MAX_BYTES, MAX_ITEMS};
use crate::error::Fault;
use crate::functions::{Args, Function, Kind};
use crate::syntax::{Command, Number, Operand, OperandKind, Trees};
use crate::value::{IntType, ListType, MapType, Value};
use crate::{Options, Snapshot};

impl<'a> Eval<'a> {
    /// One stage of a pipeline; `last` is what the stage before gave.
    pub(super) fn command(
        &mut self,
        dot: &Value<'a>,
        command: &'a Command,
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        self.at = command.first.at;
        let arguments = &command.arguments;
        let alone = |what| if arguments.is_empty() && last.is_none() { Ok(()) } else { Err(Fault::NotACommand(what)) };
        match &command.first.kind {
            OperandKind::Field(path) => self.path(dot, dot.clone(), path, arguments, last),
            OperandKind::Chain(inner, path) => {
                let receiver = self.chain_start(dot, inner)?;
                self.path(dot, receiver, path, arguments, last)
            }
            OperandKind::Function(function) => self.call(dot, function, arguments, last),
            OperandKind::Parenthesis(pipeline) => {
                alone("a parenthesis with arguments")?;
                self.pipeline(dot, pipeline)
            }
            OperandKind::Variable(name, path) => {
                let value = self.variable(name)?;
                if path.is_empty() {
                    alone("a variable with arguments")?;
                    return Ok(value);
                }
                self.path(dot, value, path, arguments, last)
            }
            OperandKind::Bool(truth) => alone("a constant with arguments").map(|()| Value::Bool(*truth)),
            OperandKind::Dot => alone("the dot with arguments").map(|()| dot.clone()),
            OperandKind::Nil => Err(Fault::NotACommand("nil")),
            OperandKind::Number(number) => {
                alone("a constant with arguments")?;
                constant(*number)
            }
            OperandKind::Text(text) => alone("a constant with arguments").map(|()| Value::text(&**text)),
        }
    }

    fn chain_start(&mut self, dot: &Value<'a>, inner: &'a Operand) -> Result<Value<'a>, Fault> {
        match &inner.kind {
            OperandKind::Parenthesis(pipeline) => self.pipeline(dot, pipeline),
            OperandKind::Function(function) => self.call(dot, function, &[], None),
            _ => Err(Fault::NotACommand("a field of a constant")),
        }
    }

    /// Calls a function with operands still to be evaluated.
    pub(super) fn call(
        &mut self,
        dot: &Value<'a>,
        function: &'static Function,
        operands: &'a [Operand],
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        let fixed = function.parameters.len();
        let got = operands.len() + usize::from(last.is_some());
        if got < fixed || (function.rest.is_none() && got > fixed) {
            let wanted = if function.rest.is_some() { format!("at least {fixed}") } else { fixed.to_string() };
            return Err(Fault::ArgumentCount { function: function.name.to_owned(), wanted, got });
        }
        if let "and" | "or" = function.name {
            return self.short_circuit(dot, function.name == "or", operands, last);
        }
        if self.options.denied_functions.iter().any(|name| name == function.name) {
            return Err(Fault::Denied(function.name));
        }
        let mut arguments = Vec::with_capacity(got);
        for (index, operand) in operands.iter().enumerate() {
            arguments.push(self.argument(dot, function.kind(index), operand)?);
        }
        if let Some(value) = last {
            arguments.push(validate(value, function.kind(got - 1))?);
        }
        self.invoke(function, arguments)
    }

    /// Calls a function with values, and holds what goes in and comes out to the limits.
    fn invoke(&mut self, function: &'static Function, arguments: Vec<Value<'a>>) -> Result<Value<'a>, Fault> {
        let at = self.at;
        self.spend(1 + arguments.iter().map(cost).sum::<usize>())?;
        let value = (function.call)(self, Args::new(function.name, arguments))?;
        self.at = at;
        match &value {
            Value::Text(text) if text.len() > MAX_BYTES => return Err(Fault::Limit("a string: 16 MiB")),
            Value::List(list) if list.items.len() > MAX_ITEMS => return Err(Fault::Limit("a list: 1 million items")),
            _ => {}
        }
        self.spend(cost(&value))?;
        Ok(value)
    }

    fn short_circuit(
        &mut self,
        dot: &Value<'a>,
        wanted: bool,
        operands: &'a [Operand],
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        let mut value = Value::Invalid;
        for operand in operands {
            value = self.argument(dot, Kind::Operand, operand)?;
            if value.truth() == wanted {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// Evaluates an operand for a parameter of some type.
    pub(super) fn argument(&mut self, dot: &Value<'a>, kind: Kind, operand: &'a Operand) -> Result<Value<'a>, Fault> {
        self.at = operand.at;
        match &operand.kind {
            OperandKind::Dot => validate(dot.clone(), kind),
            OperandKind::Nil if kind.can_be_nil() => validate(Value::Invalid, kind),
            OperandKind::Nil => Err(Fault::WrongType { wanted: kind.name(), got: "nil" }),
            OperandKind::Field(path) => validate(self.path(dot, dot.clone(), path, &[], None)?, kind),
            OperandKind::Variable(name, path) => {
                let value = self.variable(name)?;
                let value = if path.is_empty() { value } else { self.path(dot, value, path, &[], None)? };
                validate(value, kind)
            }
            OperandKind::Parenthesis(pipeline) => validate(self.pipeline(dot, pipeline)?, kind),
            OperandKind::Function(function) => validate(self.call(dot, function, &[], None)?, kind),
            OperandKind::Chain(inner, path) => {
                let receiver = self.chain_start(dot, inner)?;
                validate(self.path(dot, receiver, path, &[], None)?, kind)
            }
            OperandKind::Bool(truth) => literal(kind, Kind::Bool, "a truth value", Value::Bool(*truth)),
            OperandKind::Text(text) => literal(kind, Kind::Text, "a quoted text", Value::text(&**text)),
            OperandKind::Number(number) => number_literal(kind, *number),
        }
    }
}

/// Steps that handling a value costs: what is nested in it counts where it is walked over.
fn cost(value: &Value<'_>) -> usize {
    match value {
        Value::Number(text) | Value::Text(text) => text.len() / 4,
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.borrow().len(),
        _ => 0,
    }
}

/// An ideal constant where nothing says what type it should have.
fn constant<'a>(number: Number) -> Result<Value<'a>, Fault> {
    if number.written_as_float {
        return Ok(Value::Float(number.float));
    }
    number.int.map(Value::int).ok_or(Fault::WrongType { wanted: "int", got: "a constant that overflows it" })
}

fn number_literal<'a>(kind: Kind, number: Number) -> Result<Value<'a>, Fault> {
    match kind {
        Kind::Any | Kind::Operand => constant(number),
        Kind::Float => Ok(Value::Float(number.float)),
        Kind::Int => {
            number.int.map(Value::int).ok_or(Fault::WrongType { wanted: "int", got: "a number that is not whole" })
        }
        _ => Err(Fault::WrongType { wanted: kind.name(), got: "a number" }),
    }
}

fn literal<'a>(kind: Kind, own: Kind, got: &'static str, value: Value<'a>) -> Result<Value<'a>, Fault> {
    if kind == own || matches!(kind, Kind::Any | Kind::Operand) {
        return Ok(value);
    }
    Err(Fault::WrongType { wanted: kind.name(), got })
}

/// Go's assignability: no conversion ever, and nothing at all is the zero of what can be nil.
pub(super) fn validate<'a>(value: Value<'a>, kind: Kind) -> Result<Value<'a>, Fault> {
    let fits = match (kind, &value) {
        (Kind::Operand, _) => true,
        (Kind::Any, Value::Invalid) => return Ok(Value::NilInterface),
        (Kind::Any, _) => true,
        (Kind::List, Value::Invalid) => return Ok(Value::nil_list(ListType::Any)),
        (Kind::Texts, Value::Invalid) => return Ok(Value::nil_list(ListType::Text)),
        (Kind::Map, Value::Invalid) => return Ok(Value::nil_map(MapType::Any)),
        (Kind::Bool, Value::Bool(_)) | (Kind::Float, Value::Float(_)) | (Kind::Text, Value::Text(_)) => true,
        (Kind::Int, Value::Int(_, of)) => *of == IntType::Int,
        (Kind::List, Value::List(list)) => list.of == ListType::Any,
        (Kind::Texts, Value::List(list)) => list.of == ListType::Text,
        (Kind::Map, Value::Map(map)) => map.of == MapType::Any,
        (Kind::Time, Value::Time(_)) => true,
        _ => false,
    };
    if fits { Ok(value) } else { Err(Fault::WrongType { wanted: kind.name(), got: value.type_name() }) }
}

/// Functions whose result is the same at every rendering.
const CONSTANT: [&str; 14] = [
    "join",
    "print",
    "printf",
    "replaceAll",
    "split",
    "sprig_join",
    "sprig_list",
    "sprig_lower",
    "sprig_replace",
    "toLower",
    "toUpper",
    "trimPrefix",
    "trimSpace",
    "trimSuffix",
];

/// Calls a function of constants; `None` when it is not one of those or fails.
pub(crate) fn constant_call<'a>(function: &'static Function, arguments: Vec<Value<'a>>) -> Option<Value<'a>> {
    let count = arguments.len();
    if !CONSTANT.contains(&function.name) || count < function.parameters.len() {
        return None;
    }
    if function.rest.is_none() && count > function.parameters.len() {
        return None;
    }
    let arguments = arguments.into_iter().enumerate().map(|(index, value)| validate(value, function.kind(index)));
    let arguments = arguments.collect::<Result<Vec<_>, _>>().ok()?;
    static TREES: Trees = Trees::new();
    static OPTIONS: Options = Options::none();
    static SNAPSHOT: Snapshot = Snapshot::none();
    let mut eval = Eval::new(&TREES, &OPTIONS, &SNAPSHOT);
    (function.call)(&mut eval, Args::new(function.name, arguments)).ok()
}
