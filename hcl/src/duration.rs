//! Durations as programs written in Go read and write them: `1h30m`, and what the servers take beyond that.
//!
//! Fact: `time.ParseDuration` and `Duration.String` of Go; `parseutil.ParseDurationSecond` of the servers.

use crate::go_quote;

#[cfg(test)]
mod tests;

/// Nanoseconds of a second.
pub const SECOND: i128 = 1_000_000_000;

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// What counts as a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// What Go reads: numbers with units, or `0`.
    Go,
    /// That, or a whole number of seconds.
    Seconds,
    /// What the servers read: that, or whole days (`2d`), and nothing at all is 0.
    Server,
}

/// Why a text is no duration; the sentence is the servers' own.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// No duration, or one beyond Go's 292 years.
    #[error("time: invalid duration {}", go_quote(.0))]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", go_quote(.0))]
    MissingUnit(String),
    /// A unit that there is not.
    #[error("time: unknown unit {} in duration {}", go_quote(unit), go_quote(text))]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// A number of days that is not a whole one.
    #[error("strconv.ParseInt: parsing {}: invalid syntax", go_quote(.0))]
    Days(String),
}

/// Nanoseconds of a text. Only days and plain seconds can be more than an `i64` holds.
///
/// # Errors
/// [`DurationError`].
pub fn parse(text: &str, dialect: Dialect) -> Result<i128, DurationError> {
    if dialect != Dialect::Go
        && let Ok(seconds) = text.parse::<i64>()
    {
        return Ok(i128::from(seconds) * SECOND);
    }
    if dialect == Dialect::Server {
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(days) = text.strip_suffix('d') {
            let days: i64 = days.parse().map_err(|_| DurationError::Days(days.to_owned()))?;
            return Ok(i128::from(days) * 24 * 3600 * SECOND);
        }
    }
    go(text).map(i128::from)
}

/// Whole seconds of a Go duration; `None` for anything else, fractions of a second and what is negative included.
#[must_use]
pub fn whole_seconds(text: &str) -> Option<u64> {
    let nanoseconds = parse(text, Dialect::Go).ok().filter(|nanoseconds| nanoseconds % SECOND == 0)?;
    u64::try_from(nanoseconds / SECOND).ok()
}

/// Go's `Duration.String` of a number of nanoseconds.
#[must_use]
pub fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    if total == 0 {
        return "0s".to_owned();
    }
    if total < 1_000_000_000 {
        let (unit, size) = match total {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("\u{b5}s", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{sign}{}{unit}", decimal(total / size, total % size, size));
    }
    let seconds = total / 1_000_000_000;
    let last = decimal(seconds % 60, total % 1_000_000_000, 1_000_000_000);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{last}s"),
        (0, minutes) => format!("{sign}{minutes}m{last}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{last}s"),
    }
}

fn go(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
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
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, behind) = split(rest, |read| !read.is_ascii_digit());
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => split(behind, |read| !read.is_ascii_digit()),
            None => ("", behind),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (unit, behind) = split(behind, |read| read == '.' || read.is_ascii_digit());
        let size = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, size)) => *size,
            None if unit.is_empty() => return Err(DurationError::MissingUnit(text.to_owned())),
            None => return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() }),
        };
        let part = part(whole, fraction, size).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
        total = part;
        rest = behind;
    }
    // One more nanosecond is possible below zero than above.
    if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }.ok_or_else(invalid)
}

/// Nanoseconds of one number and its unit.
fn part(whole: &str, fraction: &str, size: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Go takes the digits that fit its integer and goes on with a floating number; the last nanosecond is the same only
    // if we do, too.
    let (mut numerator, mut scale) = (0_i64, 1.0);
    for digit in fraction.bytes().map(|digit| i64::from(digit - b'0')) {
        let Some(longer) = numerator.checked_mul(10).and_then(|shifted| shifted.checked_add(digit)) else { break };
        numerator = longer;
        scale *= 10.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "as in Go: below the size of one unit, and never negative"
    )]
    let behind_the_point = (numerator as f64 * (size as f64 / scale)) as u64;
    whole.checked_mul(size)?.checked_add(behind_the_point)
}

fn split(text: &str, at: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

fn decimal(whole: u64, fraction: u64, size: u64) -> String {
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = size.ilog10() as usize;
    let text = format!("{whole}.{fraction:0>digits$}");
    text.trim_end_matches('0').to_owned()
}
