//! Dates. Zones other than UTC need a database that an agent's image has not: like Go there, they count as UTC.

use super::super::{Args, functions};
use crate::eval::Eval;
use crate::moment::{Moment, ZERO, format_duration, parse_duration};
use crate::number::saturating_int;
use crate::value::{IntType, Value};

functions! {
    "sprig_ago"(Any) |eval, args| {
        let moment = match args.value(0) {
            Value::Time(moment) => moment,
            Value::Int(seconds, IntType::Int | IntType::Int64) => Moment::utc(seconds, 0),
            _ => now(eval),
        };
        let nanos = now(eval).since(moment);
        let half = if nanos < 0 { -500_000_000 } else { 500_000_000 };
        Ok(Value::text(format_duration(nanos.saturating_add(half) / 1_000_000_000 * 1_000_000_000)))
    };
    "sprig_date"(Text, Any) |eval, args| Ok(Value::text(moment(eval, &args, 1).format(&args.str(0))));
    "sprig_dateInZone"(Text, Any, Text) |eval, args| Ok(Value::text(moment(eval, &args, 1).format(&args.str(0))));
    "sprig_dateModify"(Text, Time) |_, args| Ok(modified(&args).unwrap_or_else(|| args.value(1)));
    "sprig_date_in_zone"(Text, Any, Text) |eval, args| Ok(Value::text(moment(eval, &args, 1).format(&args.str(0))));
    "sprig_date_modify"(Text, Time) |_, args| Ok(modified(&args).unwrap_or_else(|| args.value(1)));
    "sprig_duration"(Any) |_, args| {
        let seconds = match args.value(0) {
            Value::Text(text) => saturating_int(&text.lossy()),
            Value::Int(seconds, IntType::Int64) => seconds,
            _ => 0,
        };
        Ok(Value::text(format_duration(seconds.wrapping_mul(1_000_000_000))))
    };
    "sprig_durationRound"(Any) |eval, args| {
        let nanos = match args.value(0) {
            Value::Text(text) => parse_duration(&text.lossy()).unwrap_or(0),
            Value::Int(nanos, IntType::Int64) => nanos,
            Value::Time(moment) => now(eval).since(moment),
            _ => 0,
        };
        Ok(Value::text(rounded(nanos.unsigned_abs())))
    };
    "sprig_htmlDate"(Any) |eval, args| Ok(Value::text(moment(eval, &args, 0).format("2006-01-02")));
    "sprig_htmlDateInZone"(Any, Text) |eval, args| Ok(Value::text(moment(eval, &args, 0).format("2006-01-02")));
    "sprig_mustDateModify"(Text, Time) |_, args| modified(&args).ok_or_else(|| args.fail("not a duration"));
    "sprig_mustToDate"(Text, Text) |_, args| {
        Moment::parse(&args.str(0), &args.str(1)).map(Value::Time).ok_or_else(|| args.fail("the text does not match the layout"))
    };
    "sprig_must_date_modify"(Text, Time) |_, args| modified(&args).ok_or_else(|| args.fail("not a duration"));
    "sprig_now"() |eval, _| Ok(Value::Time(now(eval)));
    "sprig_toDate"(Text, Text) |_, args| {
        Ok(Value::Time(Moment::parse(&args.str(0), &args.str(1)).unwrap_or(ZERO)))
    };
    "sprig_unixEpoch"(Time) |_, args| match args.value(0) {
        Value::Time(moment) => Ok(Value::text(moment.seconds.to_string())),
        _ => Err(args.fail("not a time")),
    };
}

fn now(eval: &Eval<'_>) -> Moment {
    Moment::utc(eval.snapshot.now.0, eval.snapshot.now.1)
}

/// A time, or seconds since 1970; anything else is now. Shown in UTC.
fn moment(eval: &Eval<'_>, args: &Args<'_>, index: usize) -> Moment {
    match args.value(index) {
        Value::Time(moment) => Moment { offset: 0, ..moment },
        Value::Int(seconds, _) => Moment::utc(seconds, 0),
        _ => now(eval),
    }
}

fn modified<'a>(args: &Args<'a>) -> Option<Value<'a>> {
    let Value::Time(moment) = args.value(1) else { return None };
    Some(Value::Time(moment.plus(parse_duration(&args.str(0))?)))
}

/// The largest unit only.
fn rounded(nanos: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (SECOND * 86_400 * 365, "y"),
        (SECOND * 86_400 * 30, "mo"),
        (SECOND * 86_400, "d"),
        (SECOND * 3_600, "h"),
        (SECOND * 60, "m"),
        (SECOND, "s"),
    ];
    let unit = UNITS.iter().find(|(size, _)| nanos > *size);
    unit.map_or_else(|| "0s".to_owned(), |(size, name)| format!("{}{name}", nanos / size))
}
