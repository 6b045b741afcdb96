//! Arithmetic of consul-template: `subtract 1 5` is 4, the piped value comes first.

use super::{Args, functions};
use crate::error::Fault;
use crate::value::{IntType, UintType, Value};

functions! {
    "add"(Any, Any) |_, args| arithmetic(&args, Operation { int: i64::wrapping_add, uint: u64::wrapping_add, float: |a, b| a + b });
    "subtract"(Any, Any) |_, args| arithmetic(&args, Operation { int: i64::wrapping_sub, uint: u64::wrapping_sub, float: |a, b| a - b });
    "multiply"(Any, Any) |_, args| arithmetic(&args, Operation { int: i64::wrapping_mul, uint: u64::wrapping_mul, float: |a, b| a * b });
    "divide"(Any, Any) |_, args| {
        no_zero(&args)?;
        arithmetic(&args, Operation { int: i64::wrapping_div, uint: |a, b| a / b.max(1), float: |a, b| a / b })
    };
    "modulo"(Any, Any) |_, args| {
        no_zero(&args)?;
        if let (Value::Float(_), _) | (_, Value::Float(_)) = (args.value(0), args.value(1)) {
            return Err(unknown(&args, "float64"));
        }
        arithmetic(&args, Operation { int: i64::wrapping_rem, uint: |a, b| a % b.max(1), float: |a, _| a })
    };
    "minimum"(Any, Any) |_, args| choose(&args, |a, b| a < b);
    "maximum"(Any, Any) |_, args| choose(&args, |a, b| a > b);
}

struct Operation {
    int: fn(i64, i64) -> i64,
    uint: fn(u64, u64) -> u64,
    float: fn(f64, f64) -> f64,
}

/// `f b a` works on `a` and `b` in this order.
fn arithmetic<'a>(args: &Args<'a>, operation: Operation) -> Result<Value<'a>, Fault> {
    let (b, a) = (args.value(0), args.value(1));
    Ok(match (&a, &b) {
        (Value::Int(a, _), Value::Int(b, _)) => Value::int64((operation.int)(*a, *b)),
        (Value::Int(a, _), Value::Uint(b, _)) => Value::int64((operation.int)(*a, b.cast_signed())),
        (Value::Uint(a, _), Value::Int(b, _)) => Value::int64((operation.int)(a.cast_signed(), *b)),
        (Value::Uint(a, _), Value::Uint(b, _)) => Value::Uint((operation.uint)(*a, *b), UintType::Uint64),
        _ => match (float(&a), float(&b)) {
            (Some(a), Some(b)) => Value::Float((operation.float)(a, b)),
            (None, _) => return Err(unknown(args, a.type_name())),
            (_, None) => return Err(unknown(args, b.type_name())),
        },
    })
}

fn choose<'a>(args: &Args<'a>, takes_first: fn(f64, f64) -> bool) -> Result<Value<'a>, Fault> {
    let (b, a) = (args.value(0), args.value(1));
    let first = match (&a, &b) {
        (Value::Int(a, _), Value::Int(b, _)) => takes_first_int(takes_first, (*a).into(), (*b).into()),
        (Value::Uint(a, _), Value::Uint(b, _)) => takes_first_int(takes_first, (*a).into(), (*b).into()),
        (Value::Int(a, _), Value::Uint(b, _)) => takes_first_int(takes_first, (*a).into(), b.cast_signed().into()),
        (Value::Uint(a, _), Value::Int(b, _)) => takes_first_int(takes_first, a.cast_signed().into(), (*b).into()),
        _ => match (float(&a), float(&b)) {
            (Some(a), Some(b)) => takes_first(a, b),
            (None, _) => return Err(unknown(args, a.type_name())),
            (_, None) => return Err(unknown(args, b.type_name())),
        },
    };
    Ok(match if first { a } else { b } {
        Value::Int(number, _) => Value::Int(number, IntType::Int64),
        other => other,
    })
}

/// Compares integers exactly: floats of this size would be equal.
fn takes_first_int(takes_first: fn(f64, f64) -> bool, a: i128, b: i128) -> bool {
    let sign = match a.cmp(&b) {
        std::cmp::Ordering::Less => -1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => 1.0,
    };
    takes_first(sign, 0.0)
}

fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number, _) => Some(*number as f64),
        Value::Uint(number, _) => Some(*number as f64),
        _ => None,
    }
}

fn no_zero(args: &Args<'_>) -> Result<(), Fault> {
    match args.value(0) {
        Value::Int(0, _) | Value::Uint(0, _) if !matches!(args.value(1), Value::Float(_)) => {
            Err(args.fail("division by zero"))
        }
        _ => Ok(()),
    }
}

fn unknown(args: &Args<'_>, type_name: &str) -> Fault {
    let hint = if type_name == "json.Number" { "; convert it with sprig_int or sprig_float64" } else { "" };
    args.fail(format!("cannot compute with a value of type {type_name}{hint}"))
}
