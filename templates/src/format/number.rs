//! Integers and floats in the verbs of `fmt`.

use super::{Flags, quote};
use crate::float;

/// Appends an integer; `false` when the verb is none for integers.
pub(super) fn integer(
    out: &mut Vec<u8>,
    magnitude: u64,
    negative: bool,
    signed: bool,
    verb: char,
    flags: &Flags,
) -> bool {
    match verb {
        'v' if flags.sharp_v && !signed => {
            based(out, magnitude, negative, 'x', &Flags { sharp: true, sharp_v: false, ..flags.clone() });
        }
        'v' | 'd' => based(out, magnitude, negative, 'd', flags),
        'b' | 'o' | 'O' | 'x' | 'X' => based(out, magnitude, negative, verb, flags),
        'c' => flags.pad(out, character(magnitude, negative).encode_utf8(&mut [0; 4]).as_bytes()),
        'q' => flags.pad(out, quote::character(character(magnitude, negative), flags.plus).as_bytes()),
        'U' => unicode(out, magnitude, flags),
        _ => return false,
    }
    true
}

/// Appends a float; `false` when the verb is none for floats.
pub(super) fn float(out: &mut Vec<u8>, number: f64, verb: char, flags: &Flags) -> bool {
    let (verb, default) = match verb {
        'v' => ('g', None),
        'g' | 'G' => (verb, None),
        'e' | 'E' | 'f' => (verb, Some(6)),
        'F' => ('f', Some(6)),
        _ => return false,
    };
    let text = float::format(number.abs(), verb, flags.precision.or(default));
    let text = text.trim_start_matches('+');
    let sign = if number.is_sign_negative() && !number.is_nan() {
        "-"
    } else if number.is_infinite() && !flags.space {
        "+"
    } else {
        flags.sign()
    };
    let text = if flags.sharp { with_point(text, verb, flags.precision) } else { text.to_owned() };
    if flags.zero && !flags.minus && number.is_finite() {
        let width = flags.width.unwrap_or(0).saturating_sub(sign.len());
        out.extend_from_slice(format!("{sign}{text:0>width$}").as_bytes());
        return true;
    }
    Flags { zero: false, ..flags.clone() }.pad(out, format!("{sign}{text}").as_bytes());
    true
}

/// The sharp flag: a decimal point always, and the zeros that `%g` would cut.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let (mantissa, exponent) = text.find(['e', 'E']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let mut mantissa = mantissa.to_owned();
    let significant = mantissa.trim_start_matches(['0', '.']).chars().filter(char::is_ascii_digit).count();
    if !mantissa.contains('.') {
        mantissa.push('.');
    }
    if matches!(verb, 'g' | 'G') {
        let missing = precision.unwrap_or(6).saturating_sub(significant.max(1));
        mantissa.push_str(&"0".repeat(missing));
    }
    mantissa + exponent
}

fn based(out: &mut Vec<u8>, magnitude: u64, negative: bool, verb: char, flags: &Flags) {
    let plain = Flags { zero: false, ..flags.clone() };
    if flags.precision == Some(0) && magnitude == 0 {
        return plain.pad(out, b"");
    }
    let sign = if negative { "-" } else { flags.sign() };
    let digits = match verb {
        'b' => format!("{magnitude:b}"),
        'o' | 'O' => format!("{magnitude:o}"),
        'x' => format!("{magnitude:x}"),
        'X' => format!("{magnitude:X}"),
        _ => magnitude.to_string(),
    };
    let count = match flags.precision {
        Some(count) => count,
        None if flags.zero && !flags.minus => flags.width.unwrap_or(0).saturating_sub(sign.len()),
        None => 0,
    };
    let digits = format!("{digits:0>count$}");
    let prefix = match verb {
        'b' if flags.sharp => "0b",
        'o' if flags.sharp && !digits.starts_with('0') => "0",
        'O' => "0o",
        'x' if flags.sharp => "0x",
        'X' if flags.sharp => "0X",
        _ => "",
    };
    plain.pad(out, format!("{sign}{prefix}{digits}").as_bytes());
}

fn character(magnitude: u64, negative: bool) -> char {
    let code = u32::try_from(magnitude).ok().filter(|_| !negative);
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn unicode(out: &mut Vec<u8>, code: u64, flags: &Flags) {
    let digits = flags.precision.unwrap_or(4).max(4);
    let mut text = format!("U+{code:0>digits$X}");
    if flags.sharp {
        let c = character(code, false);
        text.push_str(&format!(" '{c}'"));
    }
    Flags { zero: false, ..flags.clone() }.pad(out, text.as_bytes());
}
