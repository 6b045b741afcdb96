//! Go's quoted literals.

/// A decoded piece of a literal: `\xff` is a byte that need not be UTF-8.
enum Piece {
    Byte(u8),
    Char(char),
}

/// The bytes of a literal with its quotes: `"..."` or a raw one in back-ticks. `None` when it is malformed.
pub(crate) fn unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.replace('\r', "").into_bytes());
    }
    let mut rest = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        match piece(&mut rest, '"')? {
            Piece::Byte(byte) => bytes.push(byte),
            Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(bytes)
}

/// The code of a character constant with its quotes.
pub(crate) fn unquote_character(literal: &str) -> Option<u32> {
    let mut rest = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let code = match piece(&mut rest, '\'')? {
        Piece::Byte(byte) => byte.into(),
        Piece::Char(c) => c.into(),
    };
    rest.is_empty().then_some(code)
}

fn piece(rest: &mut &str, quote: char) -> Option<Piece> {
    let first = take(rest)?;
    if first == quote || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some(Piece::Char(first));
    }
    let escape = take(rest)?;
    Some(match escape {
        'a' => Piece::Char('\x07'),
        'b' => Piece::Char('\x08'),
        'f' => Piece::Char('\x0c'),
        'n' => Piece::Char('\n'),
        'r' => Piece::Char('\r'),
        't' => Piece::Char('\t'),
        'v' => Piece::Char('\x0b'),
        '\\' => Piece::Char('\\'),
        'x' => Piece::Byte(u8::try_from(digits(rest, 2, 16)?).ok()?),
        'u' => Piece::Char(char::from_u32(digits(rest, 4, 16)?)?),
        'U' => Piece::Char(char::from_u32(digits(rest, 8, 16)?)?),
        '0'..='7' => {
            let high = escape.to_digit(8)?;
            Piece::Byte(u8::try_from(high * 64 + digits(rest, 2, 8)?).ok()?)
        }
        _ if escape == quote => Piece::Char(quote),
        _ => return None,
    })
}

fn take(rest: &mut &str) -> Option<char> {
    let mut chars = rest.chars();
    let first = chars.next();
    *rest = chars.as_str();
    first
}

fn digits(rest: &mut &str, count: usize, radix: u32) -> Option<u32> {
    let text = rest.get(..count)?;
    *rest = rest.get(count..)?;
    if text.starts_with('+') { None } else { u32::from_str_radix(text, radix).ok() }
}
