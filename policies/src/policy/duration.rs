//! Durations and times as the server reads them (Go's `time.ParseDuration`, plus seconds and days).

use blinkchamber_hcl::{Kind, Value};
use jiff::Timestamp;

use super::decode::{go_integer, go_quote, is_float};

#[cfg(test)]
mod tests;

pub(super) const SECOND: i128 = 1_000_000_000;

/// Nanoseconds of a value, or the server's words for why it is no duration.
pub(super) fn parse(value: &Value) -> Result<i128, String> {
    match &value.kind {
        Kind::Number(number) if is_float(number) => {
            let seconds: f64 = number.parse().map_err(|_| "could not parse duration from input".to_owned())?;
            #[expect(clippy::cast_possible_truncation, reason = "the server cuts the fraction off, too")]
            let seconds = seconds as i64;
            Ok(i128::from(seconds) * SECOND)
        }
        Kind::Number(number) => {
            let seconds = go_integer(number).ok_or_else(|| "could not parse duration from input".to_owned())?;
            Ok(i128::from(seconds) * SECOND)
        }
        Kind::String(text) => of_text(text),
        _ => Err("could not parse duration from input".to_owned()),
    }
}

/// Seconds since 1970 of an `expiration`; `None` for the empty one, or the server's words.
pub(super) fn instant(text: &str) -> Result<Option<i64>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(Some(seconds));
    }
    let complete = text.get(10..11) == Some("T") && text.get(19..).is_some_and(|zone| !zone.is_empty());
    match text.parse::<Timestamp>() {
        Ok(time) if complete => Ok(Some(time.as_second())),
        _ => Err("could not parse string as date and time"),
    }
}

pub(super) fn of_text(text: &str) -> Result<i128, String> {
    if text.is_empty() {
        return Ok(0);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(i128::from(seconds) * SECOND);
    }
    if let Some(days) = text.strip_suffix('d') {
        return match days.parse::<i64>() {
            Ok(days) => Ok(i128::from(days) * 24 * 3600 * SECOND),
            Err(_) => Err(format!("strconv.ParseInt: parsing {}: invalid syntax", go_quote(days))),
        };
    }
    go_duration(text)
}

fn go_duration(text: &str) -> Result<i128, String> {
    let invalid = || format!("time: invalid duration {}", go_quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let (whole, behind) = digits(rest);
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => digits(behind),
            None => ("", behind),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = behind.find(|read: char| read == '.' || read.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let scale = match unit {
            "" => return Err(format!("time: missing unit in duration {}", go_quote(text))),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return Err(format!("time: unknown unit {} in duration {}", go_quote(unit), go_quote(text))),
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        total += whole.checked_mul(scale).filter(|part| *part <= i128::from(i64::MAX)).ok_or_else(invalid)?;
        if let Some(shown) = fraction.get(..fraction.len().min(18)).filter(|shown| !shown.is_empty()) {
            let parts: i128 = shown.parse().map_err(|_| invalid())?;
            let divisor = 10_i128.pow(u32::try_from(shown.len()).unwrap_or(18));
            total += parts * scale / divisor;
        }
        if total > i128::from(i64::MAX) {
            return Err(invalid());
        }
        rest = behind;
    }
    Ok(if negative { -total } else { total })
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|read: char| !read.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
