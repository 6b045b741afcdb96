//! Durations and times as the server reads them in a policy: texts, and numbers without quotes.

pub(super) use blinkchamber_hcl::duration::SECOND;
use blinkchamber_hcl::duration::{self, Dialect};
use blinkchamber_hcl::{Kind, Value};
use jiff::Timestamp;

use super::decode::{go_integer, is_float};

#[cfg(test)]
mod tests;

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

/// Nanoseconds of a text, or the server's words.
pub(super) fn of_text(text: &str) -> Result<i128, String> {
    duration::parse(text, Dialect::Server).map_err(|error| error.to_string())
}
