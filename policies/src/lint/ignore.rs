//! `# policies: ignore[VP302, glob-without-slash] why`: what a file does not want to hear.
//!
//! The comment stands at the end of a line, or alone above it; where that line is the head of a block, it holds for the
//! block. `ignore-file[...]` holds for the file.

use std::ops::{Range, RangeInclusive};

use super::options::{LintOptions, Selector};
use super::program::{Kind, kind};
use super::text::{self, comments, value_end};
use crate::rules::{self, Finding};

#[cfg(test)]
mod tests;

struct Ignore {
    /// The comment.
    comment: Range<usize>,
    /// Lines that it holds for.
    lines: RangeInclusive<usize>,
    /// Words, what they stand for, and whether they were of use.
    words: Vec<(String, Result<Selector, String>, bool)>,
    reason: bool,
}

/// Findings without those that the file ignores, and with what is wrong with its ignores.
pub(super) fn without_ignored(file: &str, text: &str, findings: Vec<Finding>, options: &LintOptions) -> Vec<Finding> {
    let mut ignores = read(file, text);
    let mut left = Vec::new();
    for finding in findings {
        let mut ignored = false;
        for ignore in ignores.iter_mut().filter(|ignore| ignore.lines.contains(&finding.position.line)) {
            for (_, selector, used) in &mut ignore.words {
                if selector.as_ref().is_ok_and(|selector| selector.covers(finding.rule)) {
                    (*used, ignored) = (true, true);
                }
            }
        }
        if !ignored {
            left.push(finding);
        }
    }
    for ignore in &ignores {
        left.extend(unused(text, ignore, file, options));
        if options.require_reasons && !ignore.reason && options.looks(rules::IGNORE_WITHOUT_REASON, file) {
            let position = text::position(text, ignore.comment.start);
            let message = "an ignore has to say why here";
            left.push(
                Finding::new(rules::IGNORE_WITHOUT_REASON, position, message).help("write the reason behind the ]"),
            );
        }
    }
    left
}

fn unused(text: &str, ignore: &Ignore, file: &str, options: &LintOptions) -> Vec<Finding> {
    // Rules that do not look cannot be of use.
    let looks = |selector: &Selector| rules::ALL.iter().any(|rule| selector.covers(rule) && options.looks(rule, file));
    let useless = ignore.words.iter().filter(|(_, selector, used)| !used && selector.as_ref().map_or(true, looks));
    let useless: Vec<_> = useless.collect();
    if !options.looks(rules::UNUSED_IGNORE, file) {
        return Vec::new();
    }
    let whole = useless.len() == ignore.words.len();
    let position = text::position(text, ignore.comment.start);
    let finding = |(word, selector, _): &&(String, Result<Selector, String>, bool)| {
        let message = match selector {
            Ok(_) => format!("nothing here has to be ignored for {word}"),
            Err(why) => why.clone(),
        };
        let edits = whole.then(|| text::remove(text, ignore.comment.clone()));
        Finding::new(rules::UNUSED_IGNORE, position, message).about(word.clone()).fixed("leave the comment out", edits)
    };
    useless.iter().map(finding).collect()
}

fn read(file: &str, text: &str) -> Vec<Ignore> {
    let found = match kind(file, text) {
        Kind::Policy => comments(text),
        Kind::Manifests => yaml_comments(text),
        _ => Vec::new(),
    };
    found.into_iter().filter_map(|comment| of_comment(text, comment)).collect()
}

/// Comments that begin a line or follow a blank; in a block of text there are none that look like ours.
fn yaml_comments(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(at) = line
            .find("# policies:")
            .filter(|at| *at == 0 || line.get(..*at).is_some_and(|before| before.ends_with(' ')))
        {
            found.push(start + at..start + line.trim_end().len());
        }
        start += line.len();
    }
    found
}

fn of_comment(text: &str, comment: Range<usize>) -> Option<Ignore> {
    let inner = text.get(comment.clone())?.trim_start_matches(['#', '/', '*', ' ', '\t']);
    let rest = inner.strip_prefix("policies:")?.trim_start().strip_prefix("ignore")?;
    let (whole, rest) = rest.strip_prefix("-file").map_or((false, rest), |rest| (true, rest));
    let (list, reason) = rest.strip_prefix('[')?.split_once(']')?;
    let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
    let words = words.map(|word| (word.to_owned(), Selector::parse(word), false)).collect();
    let lines = if whole { 1..=usize::MAX } else { lines(text, &comment) };
    Some(Ignore { comment, lines, words, reason: !reason.trim().is_empty() })
}

/// The lines that a comment holds for.
fn lines(text: &str, comment: &Range<usize>) -> RangeInclusive<usize> {
    let number = text::position(text, comment.start).line;
    let all: Vec<&str> = text.lines().collect();
    let at = |line: usize| all.get(line.saturating_sub(1)).copied().unwrap_or_default();
    let alone = at(number).trim_start().starts_with(['#', '/']);
    let comment_line = |line: &str| line.trim().is_empty() || line.trim_start().starts_with(['#', '/']);
    let target =
        if alone { (number + 1..=all.len()).find(|line| !comment_line(at(*line))).unwrap_or(number) } else { number };
    if at(target).trim_start().trim_start_matches('"').starts_with("path") {
        let start: usize = text.split_inclusive('\n').take(target - 1).map(str::len).sum();
        let open = text.get(start..).and_then(|rest| rest.find('{')).map(|at| start + at);
        if let Some(open) = open {
            return number..=text::position(text, value_end(text, open)).line;
        }
    }
    number..=target
}
