//! Lists. Every function gives a new one.

use std::rc::Rc;

use super::super::{Args, functions};
use super::number::int;
use super::size;
use crate::equal::deep_equal;
use crate::error::Fault;
use crate::value::{List, ListType, Value};

functions! {
    "sprig_append"(Any, Any) append;
    "sprig_chunk"(Int, Any) chunk;
    "sprig_compact"(Any) compact;
    "sprig_concat"(; Any) |_, args| {
        let mut all = Vec::new();
        for value in args.rest(0) {
            all.extend(items(&args, value)?.items.iter().cloned());
        }
        Ok(if all.is_empty() { Value::nil_list(ListType::Any) } else { Value::list(all) })
    };
    "sprig_first"(Any) first;
    "sprig_has"(Any, Any) has;
    "sprig_initial"(Any) initial;
    "sprig_last"(Any) last;
    "sprig_list"(; Any) |_, args| Ok(Value::list(args.rest(0).to_vec()));
    "sprig_mustAppend"(Any, Any) append;
    "sprig_mustChunk"(Int, Any) chunk;
    "sprig_mustCompact"(Any) compact;
    "sprig_mustFirst"(Any) first;
    "sprig_mustHas"(Any, Any) has;
    "sprig_mustInitial"(Any) initial;
    "sprig_mustLast"(Any) last;
    "sprig_mustPrepend"(Any, Any) prepend;
    "sprig_mustPush"(Any, Any) append;
    "sprig_mustRest"(Any) rest;
    "sprig_mustReverse"(Any) reverse;
    "sprig_mustSlice"(Any; Any) slice;
    "sprig_mustUniq"(Any) unique;
    "sprig_mustWithout"(Any; Any) without;
    "sprig_prepend"(Any, Any) prepend;
    "sprig_push"(Any, Any) append;
    "sprig_rest"(Any) rest;
    "sprig_reverse"(Any) reverse;
    "sprig_slice"(Any; Any) slice;
    "sprig_tuple"(; Any) |_, args| Ok(Value::list(args.rest(0).to_vec()));
    "sprig_uniq"(Any) unique;
    "sprig_without"(Any; Any) without;
}

type Outcome<'a> = Result<Value<'a>, Fault>;
type Eval<'a> = crate::eval::Eval<'a>;

fn items<'a>(args: &Args<'a>, value: &Value<'a>) -> Result<Rc<List<'a>>, Fault> {
    match value {
        Value::List(list) => Ok(Rc::clone(list)),
        other => Err(args.fail(format!("a list is needed, not a value of type {}", other.type_name()))),
    }
}

fn append<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let mut all = items(&args, &args.value(0))?.items.clone();
    all.push(args.value(1));
    Ok(Value::list(all))
}

fn prepend<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let mut all = vec![args.value(1)];
    all.extend(items(&args, &args.value(0))?.items.iter().cloned());
    Ok(Value::list(all))
}

fn chunk<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let list = items(&args, &args.value(1))?;
    let count = size(&args, 0)?;
    if count == 0 {
        return Err(args.fail("the size of a chunk is zero"));
    }
    Ok(Value::list_of(ListType::Lists, list.items.chunks(count).map(|part| Value::list(part.to_vec())).collect()))
}

fn compact<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let list = items(&args, &args.value(0))?;
    Ok(Value::list(list.items.iter().filter(|item| item.truth()).cloned().collect()))
}

fn first<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    Ok(items(&args, &args.value(0))?.items.first().cloned().unwrap_or(Value::NilInterface))
}

fn last<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    Ok(items(&args, &args.value(0))?.items.last().cloned().unwrap_or(Value::NilInterface))
}

fn rest<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let list = items(&args, &args.value(0))?;
    Ok(list.items.split_first().map_or_else(|| Value::nil_list(ListType::Any), |(_, rest)| Value::list(rest.to_vec())))
}

fn initial<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let list = items(&args, &args.value(0))?;
    Ok(list.items.split_last().map_or_else(|| Value::nil_list(ListType::Any), |(_, rest)| Value::list(rest.to_vec())))
}

fn reverse<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    Ok(Value::list(items(&args, &args.value(0))?.items.iter().rev().cloned().collect()))
}

fn slice<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let list = items(&args, &args.value(0))?;
    if list.items.is_empty() {
        return Ok(Value::NilInterface);
    }
    let bound = |index: usize, default: usize| match args.rest(1).get(index) {
        Some(value) => usize::try_from(int(value)).ok(),
        None => Some(default),
    };
    let range = bound(0, 0).zip(bound(1, list.items.len()));
    let part = range.and_then(|(start, end)| list.items.get(start..end));
    part.map(|part| Value::list_of(list.of, part.to_vec())).ok_or_else(|| args.fail("the positions are out of range"))
}

fn unique<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let mut seen: Vec<Value<'a>> = Vec::new();
    for item in &items(&args, &args.value(0))?.items {
        if !contains(eval, &seen, item)? {
            seen.push(item.clone());
        }
    }
    Ok(Value::list(seen))
}

fn without<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let mut kept = Vec::new();
    for item in &items(&args, &args.value(0))?.items {
        if !contains(eval, args.rest(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    if args.value(1).is_nothing() {
        return Ok(Value::Bool(false));
    }
    let list = items(&args, &args.value(1))?;
    contains(eval, &list.items, &args.value(0)).map(Value::Bool)
}

fn contains<'a>(eval: &mut Eval<'a>, list: &[Value<'a>], wanted: &Value<'a>) -> Result<bool, Fault> {
    for item in list {
        if deep_equal(eval, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}
