//! Strings in the verbs of `fmt`, and Go's quoting.

use super::Flags;

/// Appends a string; `false` when the verb is none for strings.
pub(super) fn text(out: &mut Vec<u8>, bytes: &[u8], verb: char, flags: &Flags) -> bool {
    match verb {
        'v' if flags.sharp_v => flags.pad(out, quoted(bytes, false).as_bytes()),
        'v' | 's' => flags.pad(out, truncated(bytes, flags.precision)),
        'q' => {
            let bytes = truncated(bytes, flags.precision);
            let raw = std::str::from_utf8(bytes).ok().filter(|text| flags.sharp && can_be_raw(text));
            match raw {
                Some(raw) => flags.pad(out, format!("`{raw}`").as_bytes()),
                None => flags.pad(out, quoted(bytes, flags.plus).as_bytes()),
            }
        }
        'x' | 'X' => hexadecimal(out, bytes, verb == 'X', flags),
        _ => return false,
    }
    true
}

/// Go's `strconv.Quote`, or `QuoteToASCII`.
pub(crate) fn quoted(bytes: &[u8], ascii: bool) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut quoted, c, '"', ascii);
        }
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

/// Go's `strconv.QuoteRune`.
pub(super) fn character(c: char, ascii: bool) -> String {
    let mut quoted = String::from("'");
    push_escaped(&mut quoted, c, '\'', ascii);
    quoted.push('\'');
    quoted
}

fn push_escaped(quoted: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        '\\' => quoted.push_str("\\\\"),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        _ if c == quote => {
            quoted.push('\\');
            quoted.push(c);
        }
        ' '..='~' => quoted.push(c),
        _ if !ascii && is_printable(c) => quoted.push(c),
        _ if c <= '\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
        _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Go's `unicode.IsPrint`: of the spaces only the ASCII one. Marks print in Go and are escaped by Rust's own rule.
fn is_printable(c: char) -> bool {
    let escaped_by_rust = c.escape_debug().count() > 1;
    let is_mark = matches!(u32::from(c), 0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x200d | 0x20d0..=0x20f0 | 0xfe00..=0xfe0f);
    !c.is_whitespace() && (!escaped_by_rust || (is_mark && c != '\u{200d}'))
}

fn can_be_raw(text: &str) -> bool {
    text.chars().all(|c| c != '`' && c != '\u{feff}' && c != '\x7f' && (c >= ' ' || c == '\t'))
}

fn truncated(bytes: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(precision) = precision else { return bytes };
    let mut left = precision;
    let mut end = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return bytes.get(..end).unwrap_or(bytes);
            }
            left -= 1;
            end += c.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return bytes.get(..end).unwrap_or(bytes);
            }
            left -= 1;
            end += 1;
        }
    }
    bytes
}

fn hexadecimal(out: &mut Vec<u8>, bytes: &[u8], upper: bool, flags: &Flags) {
    let bytes = flags.precision.and_then(|count| bytes.get(..count)).unwrap_or(bytes);
    let prefix = match (flags.sharp, upper) {
        (true, false) => "0x",
        (true, true) => "0X",
        _ => "",
    };
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && flags.space {
            text.push(' ');
        }
        if index == 0 || flags.space {
            text.push_str(prefix);
        }
        text.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    }
    flags.pad(out, text.as_bytes());
}
