//! Dictionaries. `set`, `unset` and the merges change their first map, as in Go.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::collections::{insert, merge};
use super::super::{Args, functions};
use super::text_of;
use crate::error::Fault;
use crate::eval::Eval;
use crate::value::{Key, MAX_DEPTH, Map, MapType, Value};

functions! {
    "sprig_deepCopy"(Any) |eval, args| copied(eval, &args);
    "sprig_dict"(; Any) |_, args| {
        let mut entries = BTreeMap::new();
        for pair in args.rest(0).chunks(2) {
            let Some(key) = pair.first() else { continue };
            entries.insert(Key::Text(text_of(key)?), pair.get(1).cloned().unwrap_or_else(|| Value::text("")));
        }
        Ok(Value::map(MapType::Any, entries))
    };
    "sprig_dig"(; Any) dig;
    "sprig_get"(Map, Text) |_, args| Ok(args.map(0)?.get(args.text(1)).unwrap_or_else(|| Value::text("")));
    "sprig_hasKey"(Map, Text) |_, args| Ok(Value::Bool(args.map(0)?.get(args.text(1)).is_some()));
    "sprig_keys"(; Map) |_, args| {
        let mut keys = Vec::new();
        for index in 0..args.len() {
            keys.extend(args.map(index)?.entries.borrow().keys().filter_map(|key| key.value().string_kind().cloned()));
        }
        Ok(Value::texts(keys))
    };
    "sprig_merge"(Map; Map) |eval, args| merge_all(eval, &args, false);
    "sprig_mergeOverwrite"(Map; Map) |eval, args| merge_all(eval, &args, true);
    "sprig_mustDeepCopy"(Any) |eval, args| copied(eval, &args);
    "sprig_mustMerge"(Map; Map) |eval, args| merge_all(eval, &args, false);
    "sprig_mustMergeOverwrite"(Map; Map) |eval, args| merge_all(eval, &args, true);
    "sprig_omit"(Map; Text) |_, args| {
        let left_out = |key: &Key<'_>| (1..args.len()).any(|index| *key == Key::Text(args.text(index)));
        filtered(&args.map(0)?, |key| !left_out(key))
    };
    "sprig_pick"(Map; Text) |_, args| {
        let picked = |key: &Key<'_>| (1..args.len()).any(|index| *key == Key::Text(args.text(index)));
        filtered(&args.map(0)?, picked)
    };
    "sprig_pluck"(Text; Map) |_, args| {
        let mut found = Vec::new();
        for index in 1..args.len() {
            found.extend(args.map(index)?.get(args.text(0)));
        }
        Ok(Value::list(found))
    };
    "sprig_set"(Map, Text, Any) |eval, args| {
        let map = args.map(0)?;
        insert(eval, &args, &map, Key::Text(args.text(1)), args.value(2))?;
        Ok(Value::Map(map))
    };
    "sprig_unset"(Map, Text) |_, args| {
        let map = args.map(0)?;
        map.entries.borrow_mut().remove(&Key::Text(args.text(1)));
        Ok(Value::Map(map))
    };
    "sprig_values"(Map) |_, args| Ok(Value::list(args.map(0)?.entries.borrow().values().cloned().collect()));
}

fn filtered<'a>(map: &Rc<Map<'a>>, keeps: impl Fn(&Key<'a>) -> bool) -> Result<Value<'a>, Fault> {
    let entries = map.entries.borrow();
    let kept = entries.iter().filter(|(key, _)| keeps(key)).map(|(key, value)| (key.clone(), value.clone()));
    Ok(Value::map(MapType::Any, kept.collect()))
}

fn merge_all<'a>(eval: &mut Eval<'a>, args: &Args<'a>, overwrite: bool) -> Result<Value<'a>, Fault> {
    let mut target = args.map(0)?;
    for index in 1..args.len() {
        match merge(eval, args, Rc::clone(&target), &args.map(index)?, overwrite)? {
            Value::Map(merged) => target = merged,
            _ => return Err(args.fail("the maps cannot be merged")),
        }
    }
    Ok(Value::Map(target))
}

fn dig<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let [keys @ .., default, start] = args.rest(0) else {
        return Err(args.fail("takes keys, a default and a map"));
    };
    if keys.is_empty() {
        return Err(args.fail("takes keys, a default and a map"));
    }
    let mut value = start.clone();
    for key in keys {
        let (Value::Map(map), Value::Text(key)) = (&value, key) else {
            return Err(args.fail("there is no map at one of the keys"));
        };
        if map.of != MapType::Any {
            return Err(args.fail("there is no map of any values at one of the keys"));
        }
        let Some(next) = map.get(key.clone()) else { return Ok(default.clone()) };
        value = next;
    }
    Ok(value)
}

fn copied<'a>(eval: &mut Eval<'a>, args: &Args<'a>) -> Result<Value<'a>, Fault> {
    let value = args.value(0);
    if value.is_nothing() { Err(args.fail("nil cannot be copied")) } else { copy(eval, &value, 0) }
}

fn copy<'a>(eval: &mut Eval<'a>, value: &Value<'a>, depth: usize) -> Result<Value<'a>, Fault> {
    eval.spend(1)?;
    if depth > MAX_DEPTH {
        return Err(Fault::Limit("depth of data: 200 levels"));
    }
    Ok(match value {
        Value::List(list) if !list.is_nil => {
            let items = list.items.iter().map(|item| copy(eval, item, depth + 1));
            Value::list_of(list.of, items.collect::<Result<_, _>>()?)
        }
        Value::Map(map) if !map.is_nil => {
            let entries = map.entries.borrow();
            let entries = entries.iter().map(|(key, value)| Ok((key.clone(), copy(eval, value, depth + 1)?)));
            Value::map(map.of, entries.collect::<Result<_, Fault>>()?)
        }
        other => other.clone(),
    })
}
