//! Numbers in texts, as Go reads them.

/// `strconv.ParseFloat`: decimal, hexadecimal with an exponent, infinity and NaN.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if lower.starts_with("0x") {
        return crate::syntax::Number::parse(&lower).filter(|_| lower.contains('p')).map(|number| sign * number.float);
    }
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || b"_.eE+-".contains(&byte));
    if !plain || digits.starts_with(['+', '-']) {
        return None;
    }
    crate::syntax::Number::decimal_float(digits).map(|number| sign * number)
}

/// Go's `ParseInt` where its error is ignored: nothing counts as zero, too much as the largest.
pub(crate) fn saturating_int(text: &str) -> i64 {
    text.parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
        std::num::IntErrorKind::PosOverflow => i64::MAX,
        std::num::IntErrorKind::NegOverflow => i64::MIN,
        _ => 0,
    })
}
