//! Lists and maps of consul-template.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Args, functions};
use crate::error::Fault;
use crate::eval::Eval;
use crate::value::{Key, Map, MapType, Value};

functions! {
    "contains"(Any, Any) |_, args| is_in(&args, &args.value(1), &args.value(0)).map(Value::Bool);
    "containsAll"(List, Any) |eval, args| some(eval, &args, |found| !found, false);
    "containsAny"(List, Any) |eval, args| some(eval, &args, |found| found, true);
    "containsNone"(List, Any) |eval, args| some(eval, &args, |found| found, false);
    "containsNotAll"(List, Any) |eval, args| some(eval, &args, |found| !found, true);
    "explodeMap"(Map) explode_map;
    "in"(Any, Any) |_, args| is_in(&args, &args.value(0), &args.value(1)).map(Value::Bool);
    "loop"(; Any) count;
    "mergeMap"(Map, Map) |eval, args| merge(eval, &args, args.map(0)?, &args.map(1)?, false);
    "mergeMapWithOverride"(Map, Map) |eval, args| merge(eval, &args, args.map(0)?, &args.map(1)?, true);
}

/// Puts an entry into a map, unless the map would then contain itself.
pub(super) fn insert<'a>(
    eval: &mut Eval<'a>,
    args: &Args<'a>,
    map: &Rc<Map<'a>>,
    key: Key<'a>,
    value: Value<'a>,
) -> Result<(), Fault> {
    if map.is_nil {
        return Err(args.fail("a nil map takes no entries"));
    }
    let mut pending = vec![value.clone()];
    while let Some(value) = pending.pop() {
        eval.spend(1)?;
        match value {
            Value::Map(inner) if Rc::ptr_eq(&inner, map) => return Err(args.fail("the map would contain itself")),
            Value::Map(inner) => pending.extend(inner.entries.borrow().values().cloned()),
            Value::List(list) => pending.extend(list.items.iter().cloned()),
            Value::Record(record) => pending.extend(record.fields.iter().map(|(_, value)| value.clone())),
            _ => {}
        }
    }
    map.entries.borrow_mut().insert(key, value);
    Ok(())
}

/// Membership by type and value; in a string the search for a part. Next to a string nil is an error.
fn is_in<'a>(args: &Args<'a>, list: &Value<'a>, wanted: &Value<'a>) -> Result<bool, Fault> {
    let no_nil = || if wanted.is_nothing() { Err(args.fail("nil cannot be searched among strings")) } else { Ok(()) };
    match (list, wanted) {
        (Value::List(list), _) => {
            for item in &list.items {
                let same = match (item, wanted) {
                    (Value::Int(one, _), Value::Int(two, _)) => one == two,
                    (Value::Float(one), Value::Float(two)) => one == two,
                    (Value::Text(one), Value::Text(two)) | (Value::Number(one), Value::Number(two)) => one == two,
                    (Value::Text(_) | Value::Number(_), _) => {
                        no_nil()?;
                        false
                    }
                    _ => false,
                };
                if same {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Text(text), Value::Text(part)) | (Value::Number(text), Value::Number(part)) => {
            Ok(crate::bytes::find(text, part).is_some())
        }
        (Value::Text(_) | Value::Number(_), _) => no_nil().map(|()| false),
        _ => Ok(false),
    }
}

/// Looks whether one of the values, found in the list or not, decides; gives `decided` then.
fn some<'a>(
    eval: &mut Eval<'a>,
    args: &Args<'a>,
    decides: fn(bool) -> bool,
    decided: bool,
) -> Result<Value<'a>, Fault> {
    let list = args.value(1);
    let length = if let Value::List(list) = &list { list.items.len() } else { 1 };
    for value in &args.list(0)?.items {
        eval.spend(length)?;
        if decides(is_in(args, &list, value)?) {
            return Ok(Value::Bool(decided));
        }
    }
    Ok(Value::Bool(!decided))
}

fn explode_map<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let source = args.map(0)?;
    let target = Value::map(MapType::Any, BTreeMap::new());
    for (key, value) in source.entries.borrow().iter() {
        let Key::Text(key) = key else { continue };
        let parts = crate::bytes::split(key, b"/", None);
        let Some((last, parents)) = parts.split_last() else { continue };
        let mut level = target.clone();
        for part in parents {
            let Value::Map(map) = &level else { break };
            let part = Key::Text(part.to_vec().into());
            let child = map.entries.borrow().get(&part).cloned();
            let child = child.unwrap_or_else(|| Value::map(MapType::Any, BTreeMap::new()));
            if !matches!(&child, Value::Map(child) if child.of == MapType::Any) {
                return Err(args.fail("a key is both a value and the parent of other keys"));
            }
            map.entries.borrow_mut().insert(part, child.clone());
            level = child;
        }
        if let (Value::Map(map), false) = (&level, last.is_empty()) {
            map.entries.borrow_mut().insert(Key::Text(last.to_vec().into()), value.clone());
        }
    }
    Ok(target)
}

fn count<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let number = |value: &Value<'a>| match value {
        Value::Int(number, _) => Ok(*number),
        Value::Uint(number, _) => Ok(number.cast_signed()),
        Value::Number(text) | Value::Text(text) if text.is_empty() => Ok(0),
        Value::Number(text) | Value::Text(text) => {
            text.lossy().parse().map_err(|_| args.fail("a text is not a whole number"))
        }
        other => Err(args.fail(format!("a value of type {} is not a number", other.type_name()))),
    };
    let (start, end) = match args.rest(0) {
        [end] => (0, number(end)?),
        [start, end] => (number(start)?, number(end)?),
        _ => return Err(args.fail("takes one or two numbers")),
    };
    Ok(Value::Loop(Rc::new(Cell::new((start, end)))))
}

/// mergo's rule: fills what is missing or empty; with `overwrite` replaces the rest too, maps in maps always merged.
pub(super) fn merge<'a>(
    eval: &mut Eval<'a>,
    args: &Args<'a>,
    target: Rc<Map<'a>>,
    source: &Rc<Map<'a>>,
    overwrite: bool,
) -> Result<Value<'a>, Fault> {
    let target = if target.is_nil && !source.is_nil {
        Rc::new(Map { of: target.of, is_nil: false, entries: Default::default() })
    } else {
        target
    };
    // Pairs of maps still to be merged, so that nesting needs no stack.
    let mut pending = vec![(Rc::clone(&target), Rc::clone(source))];
    while let Some((target, source)) = pending.pop() {
        if Rc::ptr_eq(&target, &source) {
            continue;
        }
        let entries: Vec<_> = source.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        for (key, value) in entries {
            eval.spend(1)?;
            let existing = target.entries.borrow().get(&key).cloned().unwrap_or(Value::Invalid);
            let was_empty = !existing.truth();
            match (&existing, &value) {
                (_, nothing) if nothing.is_nothing() && !overwrite => {}
                (Value::Map(inner), Value::Map(value)) if !was_empty => {
                    pending.push((Rc::clone(inner), Rc::clone(value)));
                }
                _ if overwrite || was_empty => insert(eval, args, &target, key, value)?,
                _ => {}
            }
        }
    }
    Ok(Value::Map(target))
}
