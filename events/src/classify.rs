//! Which queue an event belongs to: a table of globs on its type, of which the first that matches decides.

mod check;
mod default;
mod glob;
pub(crate) mod types;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;

pub(crate) use crate::classify::check::check;
pub(crate) use crate::classify::default::default_rows;
pub(crate) use crate::classify::glob::Glob;

/// A queue, most urgent first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Queue {
    High,
    Normal,
    Low,
}

impl Queue {
    pub(crate) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    High,
    Normal,
    Low,
    /// It is not published.
    Drop,
}

impl Fate {
    pub(crate) const fn queue(self) -> Option<Queue> {
        match self {
            Self::High => Some(Queue::High),
            Self::Normal => Some(Queue::Normal),
            Self::Low => Some(Queue::Low),
            Self::Drop => None,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.queue().map_or("drop", Queue::name))
    }
}

/// Some globs and where they lead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) to: Fate,
    pub(crate) types: Vec<Glob>,
}

/// A table, and what it has said lately.
pub(crate) struct Classifier {
    rows: Vec<Row>,
    answers: RefCell<HashMap<String, Answer>>,
}

/// Where a type leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) fate: Fate,
    /// Whether a row says so; without one it is normal.
    pub(crate) known: bool,
}

/// Types that are remembered; ZITADEL has fewer than 400.
const REMEMBERED: usize = 1024;

impl Classifier {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self { rows, answers: RefCell::default() }
    }

    /// What becomes of events of this type.
    pub(crate) fn classify(&self, kind: &str) -> Answer {
        if let Some(answer) = self.answers.borrow().get(kind) {
            return *answer;
        }
        let answer = self
            .matching(kind)
            .map_or(Answer { fate: Fate::Normal, known: false }, |(row, _)| Answer { fate: row.to, known: true });
        let mut answers = self.answers.borrow_mut();
        // A server that invents types without end must not fill the memory.
        if answers.len() >= REMEMBERED {
            answers.clear();
        }
        answers.insert(kind.to_owned(), answer);
        answer
    }

    /// The row and the glob that decide.
    pub(crate) fn matching(&self, kind: &str) -> Option<(&Row, &Glob)> {
        self.rows.iter().find_map(|row| row.types.iter().find(|glob| glob.matches(kind)).map(|glob| (row, glob)))
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }
}
