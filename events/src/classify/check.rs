//! What is wrong with a table: rows that no event reaches.

use std::fmt;

use crate::classify::types::KNOWN;
use crate::classify::{Classifier, Glob};

/// A glob that decides nothing.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// Counted from one.
    pub(crate) row: usize,
    pub(crate) glob: String,
    pub(crate) fault: Fault,
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// No type that ZITADEL is known to write.
    Dead,
    /// All that it matches is decided above.
    Shadowed { by: String, row: usize },
    /// So it is for every known type, by several globs together.
    ShadowedTogether,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "row {}: {}: ", self.row, self.glob)?;
        match &self.fault {
            Fault::Dead => out.write_str("dead: no known type matches; look for a slip of the pen"),
            Fault::Shadowed { by, row } => {
                write!(out, "shadowed: {by} in row {row} stands above and matches all of it; move it up or delete it")
            }
            Fault::ShadowedTogether => {
                out.write_str("shadowed: every known type that matches is decided above; move it up or delete it")
            }
        }
    }
}

/// All findings, from the top.
pub(crate) fn check(table: &Classifier) -> Vec<Finding> {
    let mut above: Vec<(usize, &Glob)> = Vec::new();
    let mut findings = Vec::new();
    for (row, glob) in
        table.rows().iter().zip(1..).flat_map(|(row, number)| row.types.iter().map(move |glob| (number, glob)))
    {
        if let Some(fault) = fault(&above, glob) {
            findings.push(Finding { row, glob: glob.to_string(), fault });
        }
        above.push((row, glob));
    }
    findings
}

fn fault(above: &[(usize, &Glob)], glob: &Glob) -> Option<Fault> {
    if let Some((row, by)) = above.iter().find(|(_, earlier)| earlier.covers(glob)) {
        return Some(Fault::Shadowed { by: by.to_string(), row: *row });
    }
    let mut matched = KNOWN.iter().map(|(kind, _)| *kind).filter(|kind| glob.matches(kind)).peekable();
    if matched.peek().is_none() {
        return Some(Fault::Dead);
    }
    let free = matched.any(|kind| !above.iter().any(|(_, earlier)| earlier.matches(kind)));
    (!free).then_some(Fault::ShadowedTogether)
}
