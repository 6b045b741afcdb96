//! Go's `reflect.DeepEqual`: the types must be the same too.

use std::rc::Rc;

use crate::error::Fault;
use crate::eval::Eval;
use crate::value::{MAX_DEPTH, Value};

/// Are both the same through and through?
///
/// # Errors
/// Values nested deeper than 200 levels, or more of them than a rendering may look at.
pub(crate) fn deep_equal(eval: &mut Eval<'_>, one: &Value<'_>, two: &Value<'_>) -> Result<bool, Fault> {
    equal(eval, one, two, 0)
}

fn equal(eval: &mut Eval<'_>, one: &Value<'_>, two: &Value<'_>, depth: usize) -> Result<bool, Fault> {
    eval.spend(1)?;
    if depth > MAX_DEPTH {
        return Err(Fault::Limit("depth of data: 200 levels"));
    }
    Ok(match (one, two) {
        (Value::Invalid | Value::NilInterface, Value::Invalid | Value::NilInterface) => true,
        (Value::NilPointer(one), Value::NilPointer(two)) => one == two,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::Int(one, of), Value::Int(two, other)) => one == two && of == other,
        (Value::Uint(one, of), Value::Uint(two, other)) => one == two && of == other,
        (Value::Number(one), Value::Number(two)) | (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Time(one), Value::Time(two)) => one == two,
        (Value::Scratch, Value::Scratch) => true,
        (Value::Loop(one), Value::Loop(two)) => Rc::ptr_eq(one, two),
        (Value::List(one), Value::List(two)) => {
            if one.of != two.of || one.is_nil != two.is_nil || one.items.len() != two.items.len() {
                return Ok(false);
            }
            for (one, two) in one.items.iter().zip(&two.items) {
                if !equal(eval, one, two, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(one), Value::Map(two)) => {
            let (first, second) = (one.entries.borrow(), two.entries.borrow());
            if one.of != two.of || one.is_nil != two.is_nil || !first.keys().eq(second.keys()) {
                return Ok(false);
            }
            for (one, two) in first.values().zip(second.values()) {
                if !equal(eval, one, two, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Record(one), Value::Record(two)) => {
            if one.type_name != two.type_name {
                return Ok(false);
            }
            for ((_, one), (_, two)) in one.fields.iter().zip(&two.fields) {
                if !equal(eval, one, two, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}
