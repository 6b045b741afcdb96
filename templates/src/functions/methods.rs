//! Methods: of the scratch, of times and of certificates.

use std::collections::BTreeMap;

use super::{Args, Body, Kind};
use crate::error::Fault;
use crate::eval::Eval;
use crate::value::{Key, MapType, Value};

/// A method; its first argument is the receiver.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Kind],
    pub(crate) call: Body,
}

/// The method of this name that the type of `receiver` has.
pub(crate) fn find(receiver: &Value<'_>, name: &str) -> Option<&'static Method> {
    let methods: &[Method] = match receiver {
        Value::Scratch => SCRATCH,
        Value::Time(_) => TIME,
        Value::Record(record) if record.type_name == "dependency.PemEncoded" => PEM,
        Value::Number(_) => NUMBER,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

const SCRATCH: &[Method] = &[
    Method {
        name: "Key",
        parameters: &[Kind::Text],
        call: |eval, args| Ok(Value::Bool(eval.scratch.contains_key(&*args.text(1)))),
    },
    Method {
        name: "Get",
        parameters: &[Kind::Text],
        call: |eval, args| Ok(eval.scratch.get(&*args.text(1)).cloned().unwrap_or(Value::NilInterface)),
    },
    Method {
        name: "Set",
        parameters: &[Kind::Text, Kind::Any],
        call: |eval, args| {
            eval.scratch.insert(args.text(1).to_vec(), args.value(2));
            Ok(Value::text(""))
        },
    },
    Method {
        name: "SetX",
        parameters: &[Kind::Text, Kind::Any],
        call: |eval, args| {
            eval.scratch.entry(args.text(1).to_vec()).or_insert_with(|| args.value(2));
            Ok(Value::text(""))
        },
    },
    Method {
        name: "MapSet",
        parameters: &[Kind::Text, Kind::Text, Kind::Any],
        call: |eval, args| map_set(eval, &args, true),
    },
    Method {
        name: "MapSetX",
        parameters: &[Kind::Text, Kind::Text, Kind::Any],
        call: |eval, args| map_set(eval, &args, false),
    },
    Method {
        name: "MapValues",
        parameters: &[Kind::Text],
        call: |eval, args| {
            Ok(match eval.scratch.get(&*args.text(1)) {
                Some(Value::Map(map)) if map.of == MapType::Any => {
                    Value::list(map.entries.borrow().values().cloned().collect())
                }
                _ => Value::nil_list(crate::value::ListType::Any),
            })
        },
    },
];

const TIME: &[Method] = &[
    Method {
        name: "Format",
        parameters: &[Kind::Text],
        call: |_, args| match args.value(0) {
            Value::Time(moment) => Ok(Value::text(moment.format(&args.str(1)))),
            _ => Err(args.fail("not a time")),
        },
    },
    Method { name: "Unix", parameters: &[], call: |_, args| time_number(&args, |moment| Value::int64(moment.seconds)) },
    Method {
        name: "Year",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().year)),
    },
    Method {
        name: "Day",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().day.into())),
    },
    Method {
        name: "Hour",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().hour.into())),
    },
    Method {
        name: "Minute",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().minute.into())),
    },
    Method {
        name: "Second",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().second.into())),
    },
    Method {
        name: "Month",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::text(moment.format("January"))),
    },
    Method {
        name: "Weekday",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::text(moment.format("Monday"))),
    },
    Method {
        name: "YearDay",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::int(moment.civil().day_of_year.into())),
    },
    Method { name: "UTC", parameters: &[], call: |_, args| Ok(args.value(0)) },
    Method {
        name: "String",
        parameters: &[],
        call: |_, args| time_number(&args, |moment| Value::text(moment.display())),
    },
];

const PEM: &[Method] = &[Method { name: "Data", parameters: &[], call: |_, args| Ok(args.value(0)) }];

const NUMBER: &[Method] = &[
    Method { name: "String", parameters: &[], call: |_, args| Ok(Value::Text(args.text(0))) },
    Method {
        name: "Int64",
        parameters: &[],
        call: |_, args| args.str(0).parse().map(Value::int64).map_err(|_| args.fail("not a whole number")),
    },
    Method {
        name: "Float64",
        parameters: &[],
        call: |_, args| args.str(0).parse().map(Value::Float).map_err(|_| args.fail("not a number")),
    },
];

fn time_number<'a>(args: &Args<'a>, read: fn(&crate::moment::Moment) -> Value<'a>) -> Result<Value<'a>, Fault> {
    match args.value(0) {
        Value::Time(moment) => Ok(read(&moment)),
        _ => Err(args.fail("not a time")),
    }
}

fn map_set<'a>(eval: &mut Eval<'a>, args: &Args<'a>, overwrites: bool) -> Result<Value<'a>, Fault> {
    let slot = eval.scratch.entry(args.text(1).to_vec());
    let slot = slot.or_insert_with(|| Value::map(MapType::Any, BTreeMap::new()));
    let Value::Map(map) = slot else { return Err(args.fail("the entry is not a map")) };
    if map.of != MapType::Any {
        return Err(args.fail("the entry is not a map of any values"));
    }
    let map = std::rc::Rc::clone(map);
    let key = Key::Text(args.text(2));
    if overwrites || !map.entries.borrow().contains_key(&key) {
        super::collections::insert(eval, args, &map, key, args.value(3))?;
    }
    Ok(Value::text(""))
}
