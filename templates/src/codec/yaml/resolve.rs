//! What a plain scalar means.

use crate::moment::Moment;
use crate::number::parse_float;
use crate::value::{UintType, Value};

/// The value of a plain scalar.
pub(super) fn resolve<'a>(text: &str) -> Value<'a> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::NilInterface,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.bytes().next() {
        Some(b'.') => parse_float(text).map(Value::Float),
        Some(b'0'..=b'9' | b'+' | b'-') if !is_timestamp(text) => number(&text.replace('_', "")),
        _ => None,
    };
    number.unwrap_or_else(|| Value::text(text.to_owned()))
}

/// Would a plain scalar be read as this text?
pub(super) fn is_plain_text(text: &str) -> bool {
    !is_timestamp(text) && matches!(resolve(text), Value::Text(_)) && !is_base_60(text)
}

fn number<'a>(digits: &str) -> Option<Value<'a>> {
    if let Some(number) = integer(digits) {
        return Some(number);
    }
    is_decimal(digits).then(|| parse_float(digits).map(Value::Float)).flatten()
}

/// Decimal, or with one of Go's prefixes; a zero in front means octal.
fn integer<'a>(digits: &str) -> Option<Value<'a>> {
    let (sign, magnitude) = match digits.strip_prefix(['+', '-']) {
        Some(rest) => (digits.get(..1)?, rest),
        None => ("", digits),
    };
    let (radix, magnitude) = match magnitude.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, magnitude.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, magnitude.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, magnitude.get(2..)?),
        [b'0', _, ..] => (8, magnitude.get(1..)?),
        _ => (10, magnitude),
    };
    if magnitude.starts_with(['+', '-']) {
        return None;
    }
    if let Ok(number) = i64::from_str_radix(&format!("{sign}{magnitude}"), radix) {
        return Some(Value::int(number));
    }
    let number = u64::from_str_radix(magnitude, radix).ok().filter(|_| sign.is_empty())?;
    Some(Value::Uint(number, UintType::Uint64))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !exponent.is_empty()
        && digits(exponent)
        && digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
}

/// Base 60, a bad idea of YAML 1.1: quoted when written, text when read.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = text.split(':');
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()) && number(part));
    let rest: Vec<&str> = parts.collect();
    let sixtieth = |part: &&str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    first && !rest.is_empty() && rest.iter().all(sixtieth) && number(fraction)
}

/// Read as text, but written with quotes.
fn is_timestamp(text: &str) -> bool {
    const LAYOUTS: [&str; 4] =
        ["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4
        && text.as_bytes().get(4) == Some(&b'-')
        && LAYOUTS.iter().any(|layout| Moment::parse(layout, text).is_some())
}
