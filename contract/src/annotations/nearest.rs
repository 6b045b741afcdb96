//! The known name nearest to an unknown one.

use super::entries;

/// What the user may have meant, without prefix; for a family with the rest of what was written.
pub(super) fn nearest(suffix: &str) -> Option<String> {
    let lower = suffix.to_lowercase();
    entries().filter_map(|entry| candidate(&lower, suffix, entry.name, entry.family)).min().map(|(_, _, name)| name)
}

/// Distance, then the shorter name first: the order in which candidates are better.
fn candidate(lower: &str, suffix: &str, name: &str, family: bool) -> Option<(usize, usize, String)> {
    if !family {
        let distance = close(lower, name)?;
        return Some((distance, name.len(), name.to_owned()));
    }
    let words = name.split('-').count();
    let (base, rest) = split_words(lower, words)?;
    let distance = close(base, name)?;
    // The rest keeps its case when lower-casing did not change where it starts.
    let rest = suffix.get(base.len() + 1..).unwrap_or(rest);
    Some((distance, name.len(), format!("{name}-{rest}")))
}

fn close(written: &str, name: &str) -> Option<usize> {
    let allowed = (name.len() / 5).clamp(1, 3);
    if written.len().abs_diff(name.len()) > allowed * 4 {
        return None;
    }
    Some(distance(written, name)).filter(|distance| *distance <= allowed)
}

/// The first `words` words of a dashed name and what follows them.
fn split_words(text: &str, words: usize) -> Option<(&str, &str)> {
    let (at, _) = text.match_indices('-').nth(words.checked_sub(1)?)?;
    let (base, rest) = text.split_at(at);
    rest.strip_prefix('-').filter(|rest| !rest.is_empty()).map(|rest| (base, rest))
}

/// Levenshtein's distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(index + 1);
        for (pair, to) in row.windows(2).zip(&right) {
            let [diagonal, above] = pair else { continue };
            let beside = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
