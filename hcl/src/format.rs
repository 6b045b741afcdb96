//! The one layout of a text, comments included: what `bao policy fmt` and `vault policy fmt` print.
//!
//! Two blanks of indentation, an empty line between items, neighbouring one-line attributes aligned. Facts: the printer
//! of HCL 1, and what `bao policy fmt` 2.7.2 makes of public policies.

use crate::{Error, Position, Recovered, is_json, parse, recover};

mod printer;
#[cfg(test)]
mod tests;
mod tree;

/// Why a text has no layout.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The servers do not read it.
    #[error("{} syntax errors; first {}", .0.len(), first(.0))]
    Syntax(Vec<Error>),
    /// JSON has a layout of its own.
    #[error("JSON is not laid out as HCL text")]
    Json,
    /// The servers' layout leaves this comment out.
    #[error("{}:{}: the layout of `policy fmt` has no place for this comment: move it above its attribute or block", .0.line, .0.column)]
    Comment(Position),
    /// The servers' layout means something else.
    #[error("the layout of `policy fmt` would change what the text means")]
    Meaning,
}

/// Lays out HCL text.
///
/// The result is laid out already: formatting it again changes nothing.
///
/// # Errors
/// [`FormatError`]; the text is then to be left as it is.
pub fn format(text: &str) -> Result<String, FormatError> {
    if is_json(text) {
        return Err(FormatError::Json);
    }
    let Recovered { body, errors } = recover(text);
    if !errors.is_empty() {
        return Err(FormatError::Syntax(errors));
    }
    let mut out = laid_out(text)?;
    // A comment that moves can change what is neighbour to what; the second time it is at its place.
    for _ in 0..4 {
        let again = laid_out(&out)?;
        if again == out {
            let same = parse(&out).is_ok_and(|read| crate::print::same(&read, &body));
            return if same { Ok(out) } else { Err(FormatError::Meaning) };
        }
        out = again;
    }
    Err(FormatError::Meaning)
}

fn laid_out(text: &str) -> Result<String, FormatError> {
    let text = text.replace("\r\n", "\n");
    let file = tree::read(&text);
    let out = printer::print(&file);
    let printed = tree::read(&out);
    match lost(&file, &printed) {
        None => Ok(out),
        Some(position) => Err(FormatError::Comment(position)),
    }
}

/// The first comment whose text is not printed. (Two lines that a layout joins are both there.)
fn lost(file: &tree::File<'_>, printed: &tree::File<'_>) -> Option<Position> {
    let mut left: Vec<_> = comments(printed).map(|comment| comment.text).collect();
    left.sort_unstable();
    let mut missing = Vec::new();
    for comment in comments(file) {
        match left.binary_search(&comment.text) {
            Ok(index) => {
                left.remove(index);
            }
            Err(_) => missing.push(comment),
        }
    }
    let mut rest: String = left.join("\n");
    missing.sort_by_key(|comment| std::cmp::Reverse(comment.text.len()));
    for comment in missing {
        if !rest.contains(comment.text) {
            return Some(comment.position);
        }
        rest = rest.replacen(comment.text, "", 1);
    }
    None
}

fn comments<'a>(file: &'a tree::File<'a>) -> impl Iterator<Item = &'a tree::Comment<'a>> {
    file.groups.iter().flat_map(|group| &group.comments)
}

fn first(errors: &[Error]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}
