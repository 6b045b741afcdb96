//! `eq` and its family.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Args, functions};
use crate::error::Fault;
use crate::value::Value;

functions! {
    "eq"(Operand; Operand) |_, args| equal(&args).map(Value::Bool);
    "ne"(Operand, Operand) |_, args| Ok(Value::Bool(!equal(&args)?));
    "lt"(Operand, Operand) |_, args| Ok(Value::Bool(order(&args)? == Some(Ordering::Less)));
    "le"(Operand, Operand) |_, args| Ok(Value::Bool(matches!(order(&args)?, Some(Ordering::Less | Ordering::Equal))));
    // Go's gt is "not le", which differs for NaN.
    "gt"(Operand, Operand) |_, args| Ok(Value::Bool(!matches!(order(&args)?, Some(Ordering::Less | Ordering::Equal))));
    "ge"(Operand, Operand) |_, args| Ok(Value::Bool(order(&args)? != Some(Ordering::Less)));
}

/// What Go calls the basic kind.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Basic {
    Bool,
    Float,
    Int,
    None,
    Text,
    Uint,
}

fn basic(value: &Value<'_>) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Float(_) => Basic::Float,
        Value::Int(..) => Basic::Int,
        Value::Number(_) | Value::Text(_) => Basic::Text,
        Value::Uint(..) => Basic::Uint,
        _ => Basic::None,
    }
}

fn equal(args: &Args<'_>) -> Result<bool, Fault> {
    let first = args.value(0);
    if args.len() < 2 {
        return Err(args.fail("there is nothing to compare with"));
    }
    for other in args.rest(1) {
        let same = match (basic(&first), basic(other)) {
            (Basic::None, Basic::None) => same_other(args, &first, other)?,
            (one, two) if one == two => compare(&first, other) == Some(Ordering::Equal),
            (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => compare(&first, other) == Some(Ordering::Equal),
            _ if first.is_nothing() || other.is_nothing() => false,
            _ => return Err(incompatible(args, &first, other)),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Values of no basic kind: only nil and pointers can be told apart.
fn same_other<'a>(args: &Args<'a>, one: &Value<'a>, two: &Value<'a>) -> Result<bool, Fault> {
    let is_nil = |value: &Value<'_>| match value {
        Value::Invalid | Value::NilInterface | Value::NilPointer(_) => true,
        Value::List(list) => list.is_nil,
        Value::Map(map) => map.is_nil,
        _ => false,
    };
    if !(one.is_nothing() || two.is_nothing()) && one.kind_name() != two.kind_name() {
        return Err(incompatible(args, one, two));
    }
    if is_nil(one) || is_nil(two) {
        return Ok(is_nil(one) == is_nil(two));
    }
    match (one, two) {
        (Value::Record(one), Value::Record(two)) => Ok(Rc::ptr_eq(one, two)),
        (Value::Scratch, Value::Scratch) => Ok(true),
        (Value::Time(one), Value::Time(two)) => Ok(one == two),
        (Value::Loop(one), Value::Loop(two)) => Ok(Rc::ptr_eq(one, two)),
        _ => Err(incompatible(args, one, two)),
    }
}

fn order(args: &Args<'_>) -> Result<Option<Ordering>, Fault> {
    let (one, two) = (args.value(0), args.value(1));
    match (basic(&one), basic(&two)) {
        (Basic::None | Basic::Bool, _) | (_, Basic::None | Basic::Bool) => Err(incompatible(args, &one, &two)),
        (first, second) if first == second => Ok(compare(&one, &two)),
        (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => Ok(compare(&one, &two)),
        _ => Err(incompatible(args, &one, &two)),
    }
}

fn compare(one: &Value<'_>, two: &Value<'_>) -> Option<Ordering> {
    match (one, two) {
        (Value::Bool(one), Value::Bool(two)) => Some(one.cmp(two)),
        (Value::Float(one), Value::Float(two)) => one.partial_cmp(two),
        (Value::Int(one, _), Value::Int(two, _)) => Some(one.cmp(two)),
        (Value::Uint(one, _), Value::Uint(two, _)) => Some(one.cmp(two)),
        (Value::Int(one, _), Value::Uint(two, _)) => Some(i128::from(*one).cmp(&i128::from(*two))),
        (Value::Uint(one, _), Value::Int(two, _)) => Some(i128::from(*one).cmp(&i128::from(*two))),
        _ => Some(one.string_kind()?.cmp(two.string_kind()?)),
    }
}

fn incompatible(args: &Args<'_>, one: &Value<'_>, two: &Value<'_>) -> Fault {
    let hint = match (one, two) {
        (Value::Number(_), Value::Int(..) | Value::Uint(..) | Value::Float(_))
        | (Value::Int(..) | Value::Uint(..) | Value::Float(_), Value::Number(_)) => {
            "; a number of a secret is text: compare it with \"...\" or convert it with sprig_int"
        }
        _ => "",
    };
    args.fail(format!("incompatible types for comparison: {} and {}{hint}", one.type_name(), two.type_name()))
}
