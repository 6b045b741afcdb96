//! Numbers. What is no number counts as zero.

use super::super::{Args, functions};
use crate::error::Fault;
use crate::eval::{Eval, MAX_ITEMS};
use crate::format;
use crate::number::{parse_float, saturating_int};
use crate::syntax::Number;
use crate::value::{ListType, Value};

functions! {
    "sprig_add"(; Any) |_, args| Ok(Value::int64(args.rest(0).iter().map(int).fold(0, i64::wrapping_add)));
    "sprig_add1"(Any) |_, args| Ok(Value::int64(int(&args.value(0)).wrapping_add(1)));
    "sprig_add1f"(Any) |_, args| Ok(Value::Float(decimal(float(&args.value(0)), &[Value::Float(1.0)], ADD)));
    "sprig_addf"(; Any) |_, args| Ok(Value::Float(decimal(0.0, args.rest(0), ADD)));
    "sprig_atoi"(Text) |_, args| Ok(Value::int(saturating_int(&args.str(0))));
    "sprig_biggest"(Any; Any) |_, args| Ok(Value::int64(args.rest(0).iter().map(int).max().unwrap_or(0)));
    "sprig_ceil"(Any) |_, args| Ok(Value::Float(float(&args.value(0)).ceil()));
    "sprig_div"(Any, Any) |_, args| divide(&args, i64::wrapping_div);
    "sprig_divf"(Any; Any) |_, args| {
        if args.rest(1).iter().any(|value| float(value) == 0.0) {
            return Err(args.fail("division by zero"));
        }
        Ok(Value::Float(decimal(float(&args.value(0)), args.rest(1), DIVIDE)))
    };
    "sprig_float64"(Any) |_, args| Ok(Value::Float(float(&args.value(0))));
    "sprig_floor"(Any) |_, args| Ok(Value::Float(float(&args.value(0)).floor()));
    "sprig_int"(Any) |_, args| Ok(Value::int(int(&args.value(0))));
    "sprig_int64"(Any) |_, args| Ok(Value::int64(int(&args.value(0))));
    "sprig_max"(Any; Any) |_, args| Ok(Value::int64(args.rest(0).iter().map(int).max().unwrap_or(0)));
    "sprig_maxf"(Any; Any) |_, args| {
        Ok(Value::Float(args.rest(0).iter().map(float).reduce(f64::max).unwrap_or(0.0)))
    };
    "sprig_min"(Any; Any) |_, args| Ok(Value::int64(args.rest(0).iter().map(int).min().unwrap_or(0)));
    "sprig_minf"(Any; Any) |_, args| {
        Ok(Value::Float(args.rest(0).iter().map(float).reduce(f64::min).unwrap_or(0.0)))
    };
    "sprig_mod"(Any, Any) |_, args| divide(&args, i64::wrapping_rem);
    "sprig_mul"(Any; Any) |_, args| {
        Ok(Value::int64(args.rest(0).iter().map(int).reduce(i64::wrapping_mul).unwrap_or(0)))
    };
    "sprig_mulf"(Any; Any) |_, args| Ok(Value::Float(decimal(float(&args.value(0)), args.rest(1), MULTIPLY)));
    "sprig_round"(Any, Int; Float) |_, args| Ok(Value::Float(round(&args)));
    "sprig_seq"(; Int) sequence;
    "sprig_sub"(Any, Any) |_, args| Ok(Value::int64(int(&args.value(0)).wrapping_sub(int(&args.value(1)))));
    "sprig_subf"(Any; Any) |_, args| Ok(Value::Float(decimal(float(&args.value(0)), args.rest(1), SUBTRACT)));
    "sprig_toDecimal"(Any) |_, args| {
        let text = format::sprint(args.rest(0))?;
        Ok(Value::int64(i64::from_str_radix(&String::from_utf8_lossy(&text), 8).unwrap_or(0)))
    };
    "sprig_until"(Int) |_, args| {
        let count = args.int(0);
        range(0, count, if count < 0 { -1 } else { 1 }).map(ints)
    };
    "sprig_untilStep"(Int, Int, Int) |_, args| range(args.int(0), args.int(1), args.int(2)).map(ints);
}

/// Go's `cast.ToInt64`.
pub(super) fn int(value: &Value<'_>) -> i64 {
    match value {
        Value::Bool(truth) => i64::from(*truth),
        Value::Float(number) => *number as i64,
        Value::Int(number, _) => *number,
        Value::Uint(number, _) => number.cast_signed(),
        Value::Number(text) | Value::Text(text) => {
            let text = text.lossy();
            let number = Number::parse(without_zero_fraction(&text)).filter(|number| !number.written_as_float);
            number.and_then(|number| number.int).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `8.00` counts as `8`, `8.5` as no whole number.
fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

/// Go's `cast.ToFloat64`.
fn float(value: &Value<'_>) -> f64 {
    match value {
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Float(number) => *number,
        Value::Int(number, _) => *number as f64,
        Value::Uint(number, _) => *number as f64,
        Value::Number(text) | Value::Text(text) => parse_float(&text.lossy()).unwrap_or(0.0),
        _ => 0.0,
    }
}

fn divide<'a>(args: &Args<'a>, operation: fn(i64, i64) -> i64) -> Result<Value<'a>, Fault> {
    match int(&args.value(1)) {
        0 => Err(args.fail("division by zero")),
        divisor => Ok(Value::int64(operation(int(&args.value(0)), divisor))),
    }
}

/// Rounds at a decimal place; halves go up, whatever the sign.
fn round(args: &Args<'_>) -> f64 {
    let threshold = args.rest(2).first().map_or(0.5, float);
    let places = i32::try_from(args.int(1)).unwrap_or_else(|_| if args.int(1) < 0 { i32::MIN } else { i32::MAX });
    let power = 10_f64.powi(places);
    let digits = power * float(&args.value(0));
    let rounded = if digits.fract() >= threshold { digits.ceil() } else { digits.floor() };
    rounded / power
}

fn range(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < stop) || (step < 0 && next > stop) {
        if numbers.len() == MAX_ITEMS {
            return Err(Fault::Limit("a list: 1 million items"));
        }
        numbers.push(next);
        next = next.saturating_add(step);
    }
    Ok(numbers)
}

fn ints<'a>(numbers: Vec<i64>) -> Value<'a> {
    Value::list_of(ListType::Int, numbers.into_iter().map(Value::int).collect())
}

fn sequence<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args.len() {
        1 => (1, args.int(0), toward(1, args.int(0))),
        2 => (args.int(0), args.int(1), toward(args.int(0), args.int(1))),
        3 if args.int(2) < args.int(0) && args.int(1) > 0 => return Ok(Value::text("")),
        3 => (args.int(0), args.int(2), args.int(1)),
        _ => return Ok(Value::text("")),
    };
    let numbers = range(start, end.saturating_add(toward(start, end)), step)?;
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(Value::text(texts.join(" ")))
}

/// A decimal fraction: digits and how many of them stand behind the point.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    places: u32,
}

/// Digits that a division keeps behind the point.
const DIVISION_PLACES: u32 = 16;

/// Applies an operation on exact decimals, so that 0.1 + 0.2 is 0.3. Numbers too large for that are computed as floats.
fn decimal(first: f64, others: &[Value<'_>], operation: Operation) -> f64 {
    let (exact, inexact) = operation;
    let mut sum = Decimal::from_float(first);
    let mut float_sum = first;
    for other in others {
        let other = float(other);
        sum = sum.zip(Decimal::from_float(other)).and_then(|(one, two)| exact(one, two));
        float_sum = inexact(float_sum, other);
    }
    sum.map_or(float_sum, Decimal::to_float)
}

/// The operation on decimals, and the one on floats.
type Operation = (fn(Decimal, Decimal) -> Option<Decimal>, fn(f64, f64) -> f64);

const ADD: Operation = (|one, two| one.combine(two, i128::checked_add), |one, two| one + two);
const SUBTRACT: Operation = (|one, two| one.combine(two, i128::checked_sub), |one, two| one - two);
const MULTIPLY: Operation = (
    |one, two| {
        Some(Decimal { digits: one.digits.checked_mul(two.digits)?, places: one.places.checked_add(two.places)? })
    },
    |one, two| one * two,
);
const DIVIDE: Operation = (Decimal::divide, |one, two| one / two);

impl Decimal {
    fn from_float(number: f64) -> Option<Self> {
        let text = if number.is_finite() && number.abs() < 1e30 { number.to_string() } else { return None };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits, places: u32::try_from(fraction.len()).ok()? })
    }

    fn scaled(self, places: u32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(places.checked_sub(self.places)?)?)
    }

    fn combine(self, other: Self, operation: fn(i128, i128) -> Option<i128>) -> Option<Self> {
        let places = self.places.max(other.places);
        Some(Self { digits: operation(self.scaled(places)?, other.scaled(places)?)?, places })
    }

    /// Rounds half away from zero.
    fn divide(self, other: Self) -> Option<Self> {
        let numerator = self.digits.checked_mul(10_i128.checked_pow(DIVISION_PLACES + other.places)?)?;
        let denominator = other.digits.checked_mul(10_i128.checked_pow(self.places)?)?;
        let doubled = numerator.checked_mul(2)?.checked_div(denominator)?;
        let digits = (doubled + doubled.signum()) / 2;
        Some(Self { digits, places: DIVISION_PLACES })
    }

    fn to_float(self) -> f64 {
        format!("{}e-{}", self.digits, self.places).parse().unwrap_or(f64::NAN)
    }
}
