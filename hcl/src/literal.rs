//! Strings and here-documents: from the source to the text they mean.

use crate::scanner::Notation;

#[cfg(test)]
mod tests;

/// The text of a quoted string, given with its quotes.
///
/// In HCL text everything from `${` to its `}` stands for itself, backslashes and quotes included; in JSON it does not.
pub(crate) fn unquote(quoted: &str, notation: Notation) -> Result<String, &'static str> {
    let inner =
        quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or("this string has no closing \"")?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(read) = rest.chars().next() {
        if notation == Notation::Text && rest.starts_with("${") {
            let length = interpolation(rest).ok_or("${ in this string has no closing }")?;
            let (literal, behind) = rest.split_at(length);
            bytes.extend_from_slice(literal.as_bytes());
            rest = behind;
        } else if read == '\\' {
            rest = escape(rest, &mut bytes)?;
        } else {
            let (literal, behind) = rest.split_at(read.len_utf8());
            bytes.extend_from_slice(literal.as_bytes());
            rest = behind;
        }
    }
    String::from_utf8(bytes).map_err(|_| "the escapes of this string give bytes that are not UTF-8")
}

/// The text of a here-document, given from `<<` to the line end behind its closing word.
pub(crate) fn here_document(source: &str) -> String {
    let source = source.replace("\r\n", "\n");
    let Some((anchor, rest)) = source.split_once('\n') else { return String::new() };
    let word = anchor.trim_start_matches('<');
    let (word, indented) = word.strip_prefix('-').map_or((word, false), |word| (word, true));
    let rest = rest.trim_end_matches(['\n', '\r']);
    // What stands before the closing word on its line belongs to the text, unless it is indentation to take away.
    let body = rest.strip_suffix(word).unwrap_or(rest);
    if !indented {
        return body.to_owned();
    }
    let indent = body.rsplit('\n').next().unwrap_or_default();
    if !body.split('\n').all(|line| line.starts_with(indent)) {
        return body.trim_end_matches([' ', '\t']).to_owned();
    }
    let mut lines: Vec<_> = body.split('\n').map(|line| line.strip_prefix(indent).unwrap_or(line)).collect();
    if let Some(last) = lines.last_mut() {
        *last = "";
    }
    lines.join("\n")
}

/// Go's `%q`: a text as the servers show it in their messages.
#[must_use]
pub fn go_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for read in text.chars() {
        match read {
            '"' | '\\' => out.extend(['\\', read]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            _ if read < ' ' || read == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(read))),
            _ => out.push(read),
        }
    }
    out.push('"');
    out
}

/// Length of the `${...}` that a text starts with, if it closes.
fn interpolation(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, read) in text.char_indices() {
        match read {
            '{' => depth += 1,
            '}' if depth <= 1 => return Some(offset + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Appends what an escape means; answers with what stands behind it.
fn escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, &'static str> {
    const UNKNOWN: &str = "unknown escape in a string; a backslash itself is written \\\\";
    let mut reader = text.chars();
    reader.next();
    let kind = reader.next().ok_or(UNKNOWN)?;
    let single = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' => b'"',
        '0'..='7' => {
            let digits = text.get(1..4).ok_or(UNKNOWN)?;
            bytes.push(u8::from_str_radix(digits, 8).map_err(|_| "an octal escape goes up to \\377")?);
            return text.get(4..).ok_or(UNKNOWN);
        }
        'x' => {
            let digits = text.get(2..4).ok_or(UNKNOWN)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| UNKNOWN)?);
            return text.get(4..).ok_or(UNKNOWN);
        }
        'u' => return unicode(text, 6, bytes),
        'U' => return unicode(text, 10, bytes),
        _ => return Err(UNKNOWN),
    };
    bytes.push(single);
    Ok(reader.as_str())
}

fn unicode<'a>(text: &'a str, length: usize, bytes: &mut Vec<u8>) -> Result<&'a str, &'static str> {
    const OUTSIDE: &str = "this escape names no Unicode character";
    let digits = text.get(2..length).ok_or(OUTSIDE)?;
    let code = u32::from_str_radix(digits, 16).map_err(|_| OUTSIDE)?;
    let character = match code {
        // Half of a surrogate pair: the servers put the replacement character.
        0xd800..=0xdfff => char::REPLACEMENT_CHARACTER,
        _ => char::from_u32(code).ok_or(OUTSIDE)?,
    };
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    text.get(length..).ok_or(OUTSIDE)
}
