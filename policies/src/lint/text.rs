//! Places in a text, where the things in it end, and changes of it.

use std::ops::Range;

use blinkchamber_hcl::{Position, quote};

use crate::rules::{Edit, Finding};

#[cfg(test)]
mod tests;

/// The start of a text.
pub(super) const START: Position = Position { line: 1, column: 1, offset: 0 };

/// The place of a byte.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Position { line: before.bytes().filter(|byte| *byte == b'\n').count() + 1, column, offset: before.len() }
}

/// Where the value that begins at an offset ends: a string, a here-document, a list, an object or a word.
pub(super) fn value_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'<') if bytes.get(start + 1) == Some(&b'<') => heredoc_end(text, start),
        Some(b'[' | b'{') => bracket_end(text, start),
        _ => {
            let rest = bytes.get(start..).unwrap_or_default();
            let length = rest.iter().position(|byte| b" \t\r\n,]}#=[{".contains(byte)).unwrap_or(rest.len());
            start + length
        }
    }
}

/// The end of a quoted string; in `${ }` quotes do not count.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start + 1, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if depth == 0 => at += 1,
            b'"' if depth == 0 => return at + 1,
            b'{' if depth > 0 || (at > 0 && bytes.get(at - 1) == Some(&b'$')) => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn heredoc_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let marker = first.trim_start_matches('<').trim_start_matches('-').trim();
    let mut end = start + first.len();
    for line in lines {
        if line.trim() == marker {
            return end + line.trim_end().len();
        }
        end += line.len();
    }
    text.len()
}

fn bracket_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(bytes, at) - 1,
            b'<' if bytes.get(at + 1) == Some(&b'<') => at = heredoc_end(text, at) - 1,
            _ => at = comment_end(bytes, at).map_or(at, |end| end - 1),
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// The end of the comment that begins at an offset, if one does.
fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"#") || rest.starts_with(b"//") {
        return Some(at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    let inner = rest.strip_prefix(b"/*")?;
    Some(inner.windows(2).position(|pair| pair == b"*/").map_or(bytes.len(), |end| at + end + 4))
}

/// The comments of a text, strings and here-documents passed over.
pub(super) fn comments(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(byte) = bytes.get(at) {
        let next = match byte {
            b'"' => string_end(bytes, at),
            b'<' if bytes.get(at + 1) == Some(&b'<') => heredoc_end(text, at),
            _ => match comment_end(bytes, at) {
                Some(end) => {
                    found.push(at..end);
                    end
                }
                None => at + 1,
            },
        };
        at = next.max(at + 1);
    }
    found
}

/// Puts another string in the place of the value at an offset.
pub(super) fn replace_string(text: &str, start: usize, new: &str) -> Option<Vec<Edit>> {
    Some(vec![Edit { range: start..value_end(text, start), text: quote(new).ok()? }])
}

/// Takes a range out, and its line when nothing else is on it.
pub(super) fn remove(text: &str, range: Range<usize>) -> Vec<Edit> {
    let before = text.get(..range.start).unwrap_or_default();
    let behind = text.get(range.end..).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let alone = before.get(line_start..).is_some_and(|start| start.trim().is_empty());
    let line_end = behind.find('\n').map_or(behind.len(), |end| end + 1);
    let rest = behind.get(..line_end).unwrap_or_default();
    let range = if alone && rest.trim().is_empty() { line_start..range.end + line_end } else { range };
    vec![Edit { range, text: String::new() }]
}

/// Writes the list at an offset anew; not when a comment in it would be lost.
pub(super) fn rewrite_list(text: &str, start: usize, words: &[&str]) -> Option<Vec<Edit>> {
    let range = start..value_end(text, start);
    let old = text.get(range.clone()).filter(|old| old.starts_with('['))?;
    if !comments(old).is_empty() {
        return None;
    }
    let quoted = words.iter().map(|word| quote(word).ok()).collect::<Option<Vec<_>>>()?;
    let new = match old.trim_start_matches('[').split_once('\n') {
        Some((first, rest)) if first.trim().is_empty() && !words.is_empty() => {
            let indent = |line: &str| line.len() - line.trim_start().len();
            let inner = rest.lines().next().map(|line| line.get(..indent(line)).unwrap_or_default())?;
            let outer = old.lines().last().map(|line| line.get(..indent(line)).unwrap_or_default())?;
            format!(
                "[\n{}\n{outer}]",
                quoted.iter().map(|word| format!("{inner}{word},")).collect::<Vec<_>>().join("\n")
            )
        }
        _ => format!("[{}]", quoted.join(", ")),
    };
    Some(vec![Edit { range, text: new }])
}

/// Makes the changes of findings; of two that touch each other only the first is made. Gives back how many were made.
pub(super) fn apply(text: &str, findings: &[&Finding], unsafe_too: bool) -> (String, usize) {
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref()).filter(|fix| fix.safe || unsafe_too);
    let mut taken: Vec<Edit> = Vec::new();
    let mut made = 0;
    for fix in fixes {
        let touches = |edit: &Edit| {
            taken.iter().any(|other| edit.range.start <= other.range.end && other.range.start <= edit.range.end)
        };
        if !fix.edits.is_empty() && !fix.edits.iter().any(touches) {
            taken.extend(fix.edits.iter().cloned());
            made += 1;
        }
    }
    taken.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    let mut text = text.to_owned();
    for edit in taken {
        if text.is_char_boundary(edit.range.start) && text.is_char_boundary(edit.range.end) {
            text.replace_range(edit.range, &edit.text);
        }
    }
    (text, made)
}
