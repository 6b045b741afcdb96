//! Number literals: Go's ideal constants.

/// A constant that fits every kind it can be written as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number {
    /// Its value when it is a whole number that fits.
    pub(crate) int: Option<i64>,
    /// Its value when it is a non-negative whole number that fits.
    pub(crate) uint: Option<u64>,
    /// Its value as a float.
    pub(crate) float: f64,
    /// Written with a point or an exponent: a float where nothing says otherwise.
    pub(crate) written_as_float: bool,
}

impl Number {
    /// A character constant.
    pub(crate) fn character(code: u32) -> Self {
        Self { int: Some(code.into()), uint: Some(code.into()), float: code.into(), written_as_float: false }
    }

    /// Reads a literal; `None` when it is none or overflows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        if let Some(magnitude) = integer(digits) {
            let int = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
            // A sign makes Go's unsigned reading fail, except that zero is zero.
            let uint = (digits == text || magnitude == 0).then_some(magnitude);
            if int.is_none() && uint.is_none() {
                return None;
            }
            let float = if negative { -(magnitude as f64) } else { magnitude as f64 };
            return Some(Self { int, uint, float, written_as_float: false });
        }
        let is_hex = digits.starts_with("0x") || digits.starts_with("0X");
        if !digits.contains(if is_hex { ['.', 'p', 'P', '.'] } else { ['.', 'e', 'E', '.'] }) {
            return None;
        }
        let magnitude = if is_hex { hex_float(digits)? } else { Self::decimal_float(digits)? };
        let float = if negative { -magnitude } else { magnitude };
        let whole = float.trunc() == float && float.abs() < 9.0e18;
        let int = whole.then_some(float as i64);
        Some(Self { int, uint: int.and_then(|n| u64::try_from(n).ok()), float, written_as_float: true })
    }

    /// Decimal digits without a sign; underscores may stand between digits.
    pub(crate) fn decimal_float(digits: &str) -> Option<f64> {
        let misplaced = digits.split('_').skip(1).any(|part| !part.starts_with(|c: char| c.is_ascii_digit()))
            || digits.split('_').rev().skip(1).any(|part| !part.ends_with(|c: char| c.is_ascii_digit()));
        if misplaced {
            return None;
        }
        digits.replace('_', "").parse().ok().filter(|float: &f64| float.is_finite())
    }
}

/// Digits with an optional base prefix and underscores between digits.
fn integer(digits: &str) -> Option<u64> {
    let bytes = digits.as_bytes();
    let (radix, rest, prefixed) = match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => (16, digits.get(2..)?, true),
        (Some(b'0'), Some(b'o' | b'O')) => (8, digits.get(2..)?, true),
        (Some(b'0'), Some(b'b' | b'B')) => (2, digits.get(2..)?, true),
        (Some(b'0'), Some(_)) => (8, digits.get(1..)?, true),
        _ => (10, digits, false),
    };
    u64::from_str_radix(&without_underscores(rest, prefixed)?, radix).ok()
}

/// `0x1.8p3`; the exponent is obligatory.
fn hex_float(digits: &str) -> Option<f64> {
    let digits = without_underscores(digits.get(2..)?, true)?;
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let value = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()? as f64;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    Some(value * 2_f64.powi(exponent)).filter(|float| float.is_finite())
}

fn without_underscores(digits: &str, leading_allowed: bool) -> Option<String> {
    let misplaced = digits.ends_with('_') || digits.contains("__") || (digits.starts_with('_') && !leading_allowed);
    // Parsing in Rust would take a sign here, Go's scanner has already taken it.
    (!misplaced && !digits.starts_with(['+', '-'])).then(|| digits.replace('_', ""))
}
