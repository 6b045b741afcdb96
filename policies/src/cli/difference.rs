//! The lines in which two texts differ, as `diff -u` shows them.

use std::fmt::Write as _;

#[cfg(test)]
mod tests;

const CONTEXT: usize = 3;

#[derive(Clone, Copy)]
enum Edit<'a> {
    Both(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// A unified difference; empty when the texts are equal.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    let edits = edits(&lines(before), &lines(after));
    let changed: Vec<usize> =
        edits.iter().enumerate().filter(|(_, edit)| !matches!(edit, Edit::Both(_))).map(|(index, _)| index).collect();
    let Some(first) = changed.first() else { return String::new() };
    let mut out = format!("--- {name}\n+++ {name}\n");
    let (mut start, mut end) = (first.saturating_sub(CONTEXT), first + 1 + CONTEXT);
    for index in &changed {
        if index.saturating_sub(CONTEXT) > end {
            hunk(&mut out, &edits, start, end);
            start = index - CONTEXT;
        }
        end = index + 1 + CONTEXT;
    }
    hunk(&mut out, &edits, start, end);
    out
}

fn hunk(out: &mut String, edits: &[Edit<'_>], start: usize, end: usize) {
    let old = |edit: &&Edit<'_>| !matches!(edit, Edit::New(_));
    let new = |edit: &&Edit<'_>| !matches!(edit, Edit::Old(_));
    let before = edits.get(..start).unwrap_or_default();
    let inside = edits.get(start..end.min(edits.len())).unwrap_or_default();
    let side = |count: usize, skipped: usize| format!("{},{count}", skipped + usize::from(count > 0));
    let minus = side(inside.iter().filter(old).count(), before.iter().filter(old).count());
    let plus = side(inside.iter().filter(new).count(), before.iter().filter(new).count());
    let _ = writeln!(out, "@@ -{minus} +{plus} @@");
    for edit in inside {
        let (mark, line) = match edit {
            Edit::Both(line) => (' ', line),
            Edit::Old(line) => ('-', line),
            Edit::New(line) => ('+', line),
        };
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The fewest edits, found by the lengths of the common subsequences of the ends.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (same, old) = old.split_at(head);
    let new = new.get(head..).unwrap_or_default();
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, end) = old.split_at(old.len() - tail);
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let mut edits: Vec<_> = same.iter().map(|line| Edit::Both(line)).collect();
    middle(&mut edits, old, new);
    edits.extend(end.iter().map(|line| Edit::Both(line)));
    edits
}

fn middle<'a>(edits: &mut Vec<Edit<'a>>, old: &[&'a str], new: &[&'a str]) {
    /// Beyond this the table would be large, and one block for another says as much.
    const LARGEST: usize = 16 << 20;
    if old.len().saturating_mul(new.len()) > LARGEST {
        edits.extend(old.iter().map(|line| Edit::Old(line)));
        edits.extend(new.iter().map(|line| Edit::New(line)));
        return;
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |common: &[u32], row: usize, column: usize| common.get(row * width + column).copied().unwrap_or_default();
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let length = if one == other {
                at(&common, row + 1, column + 1) + 1
            } else {
                at(&common, row + 1, column).max(at(&common, row, column + 1))
            };
            if let Some(cell) = common.get_mut(row * width + column) {
                *cell = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(one), Some(other)) if one == other => {
                edits.push(Edit::Both(one));
                (row, column) = (row + 1, column + 1);
            }
            (Some(one), other) if other.is_none() || at(&common, row + 1, column) >= at(&common, row, column + 1) => {
                edits.push(Edit::Old(one));
                row += 1;
            }
            (_, Some(other)) => {
                edits.push(Edit::New(other));
                column += 1;
            }
            _ => return,
        }
    }
}
