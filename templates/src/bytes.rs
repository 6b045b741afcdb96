//! Go's `strings` on bytes.

use memchr::memmem;

use crate::error::Fault;
use crate::eval::MAX_BYTES;

/// Where `needle` first is.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memmem::find(text, needle)
}

/// `strings.ReplaceAll`; an empty `from` matches at every character boundary.
pub(crate) fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<u8>, Fault> {
    if from.is_empty() {
        let mut out = to.to_vec();
        for character in characters(text) {
            out.extend_from_slice(character);
            out.extend_from_slice(to);
            check(&out)?;
        }
        return Ok(out);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for at in memmem::find_iter(text, from) {
        out.extend_from_slice(text.get(done..at).unwrap_or_default());
        out.extend_from_slice(to);
        check(&out)?;
        done = at + from.len();
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Ok(out)
}

fn check(out: &[u8]) -> Result<(), Fault> {
    if out.len() > MAX_BYTES { Err(Fault::Limit("a string: 16 MiB")) } else { Ok(()) }
}

/// `strings.SplitN`; an empty separator gives the characters.
pub(crate) fn split<'t>(text: &'t [u8], separator: &[u8], limit: Option<usize>) -> Vec<&'t [u8]> {
    let limit = limit.unwrap_or(usize::MAX);
    if limit == 0 {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    if separator.is_empty() {
        for character in characters(text) {
            if parts.len() + 1 == limit {
                break;
            }
            parts.push(character);
            rest = rest.get(character.len()..).unwrap_or_default();
        }
        if !rest.is_empty() {
            parts.push(rest);
        }
        return parts;
    }
    while parts.len() + 1 < limit {
        let Some(at) = find(rest, separator) else { break };
        let (part, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        parts.push(part);
        rest = after.get(separator.len()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

/// The characters of a text; a byte that is not UTF-8 is one of its own.
fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid();
        let whole = valid.char_indices().filter_map(move |(at, c)| valid.as_bytes().get(at..at + c.len_utf8()));
        whole.chain(chunk.invalid().chunks(1))
    })
}

/// `strings.TrimSpace`.
pub(crate) fn trim_space(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => text.trim_ascii(),
    }
}

/// `strings.ToUpper`: one character for one, so that `ß` stays.
pub(crate) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

/// One character for one.
pub(crate) fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Title case of Unicode's words: `it's` is one word, `a-b` are two.
pub(crate) fn title_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut inside = false;
    while let Some(c) = chars.next() {
        let next_is_letter = chars.peek().is_some_and(|next| next.is_alphabetic());
        let joins = inside && matches!(c, '\'' | '\u{2019}' | '.' | '\u{b7}' | ':') && next_is_letter;
        if c.is_alphabetic() && !inside {
            let mut raised = c.to_uppercase();
            out.extend(raised.next());
            out.extend(raised.flat_map(char::to_lowercase));
        } else {
            out.push(c);
        }
        // Digits and underscores belong to a word, but it is the first letter that is raised.
        inside = (c.is_alphabetic() || (inside && (c.is_numeric() || c == '_'))) || joins;
    }
    out
}
