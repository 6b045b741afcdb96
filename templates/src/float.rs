//! Floats as Go's `strconv.FormatFloat` writes them.

/// `verb` is one of `e E f F g G`; without a precision the fewest digits that read back the same.
pub(crate) fn format(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let text = match verb.to_ascii_lowercase() {
        'e' => with_exponent(number, precision),
        'f' => match precision {
            Some(digits) => format!("{number:.digits$}"),
            None => format!("{number}"),
        },
        _ => general(number, precision),
    };
    if verb.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

/// As `encoding/json` does: plain digits between 1e-6 and 1e21.
pub(crate) fn json(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return format(number, 'f', None);
    }
    // Go cuts e-09 to e-9 here, and leaves e+21 as it is.
    format(number, 'e', None).replace("e-0", "e-")
}

fn with_exponent(number: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(digits) => format!("{number:.digits$e}"),
        None => format!("{number:e}"),
    };
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn general(number: f64, precision: Option<usize>) -> String {
    let precision = precision.map(|digits| digits.max(1));
    let text = match precision {
        Some(digits) => format!("{number:.*e}", digits - 1),
        None => format!("{number:e}"),
    };
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if precision.is_some() { trim_fraction(mantissa) } else { mantissa };
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let digits_wide = i32::try_from(digits).unwrap_or(i32::MAX);
    let threshold = match precision {
        None => 6,
        Some(wanted) => {
            let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
            if wanted > digits_wide && digits_wide > exponent { digits_wide } else { wanted }
        }
    };
    if exponent < -4 || exponent >= threshold {
        return with_exponent(number, Some(digits - 1));
    }
    let fraction = (digits_wide - 1 - exponent).max(0);
    format!("{number:.*}", usize::try_from(fraction).unwrap_or(0))
}

fn trim_fraction(mantissa: &str) -> &str {
    if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa }
}
