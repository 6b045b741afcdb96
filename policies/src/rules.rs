//! The rules of the linter: one table gives codes, names, severities, fixes, pages of the reference and tests.
//!
//! A row stands in `rules/table.rs`. What the row cannot say in a line is in `tests/rules/CODE.txt`: why the rule is
//! there, a text that it fires on, the nearest one that it spares, and what a fix makes of the first.

use std::ops::Range;

use blinkchamber_hcl::Position;
use serde::Serialize;

mod left_out;
mod markdown;
mod page;
mod table;
#[cfg(test)]
mod tests;

pub use left_out::{LEFT_OUT, LeftOut};
pub use markdown::{index, pages};
pub use page::{Page, Sample};
pub use table::*;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The server refuses it, it cannot do what it says, or it gives away more than anybody should have.
    Error,
    /// The server takes it; it rarely means what was wanted.
    Warning,
    /// Worth knowing.
    Info,
    /// The same thing can be said better.
    Style,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Style];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Style => "style",
        }
    }
}

/// What a rule can mend by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fixable {
    /// Nothing.
    No,
    /// A change after which every request is answered as before.
    Safe,
    /// A change after which some requests are answered otherwise.
    Unsafe,
}

/// A rule: what is looked for.
#[derive(Debug, Eq, PartialEq)]
pub struct Rule {
    /// Stable code, such as `VP003`.
    pub code: &'static str,
    /// Stable name, such as `invalid-capability`.
    pub name: &'static str,
    /// How bad a finding is, unless the configuration says otherwise.
    pub severity: Severity,
    /// What it can mend.
    pub fixable: Fixable,
    /// Looks only when it is selected by name: not everybody wants to hear of it.
    pub pedantic: bool,
    /// One sentence.
    pub summary: &'static str,
    text: &'static str,
}

impl Fixable {
    /// What a person reads.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

impl Rule {
    /// The rule of a code or a name.
    #[must_use]
    pub fn find(word: &str) -> Option<&'static Self> {
        ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(word) || rule.name == word).copied()
    }

    /// Its page: why it is there, and what it fires on and spares.
    #[must_use]
    pub fn page(&self) -> Page {
        Page::parse(self.text)
    }
}

/// A rule met at a place.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Where.
    pub position: Position,
    /// What is wrong, naming the thing.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// What OpenBao answers, when it refuses the policy for this.
    pub server: Option<String>,
    /// The path or the field that it is about; it stays when the text around it moves.
    pub subject: String,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    /// A change that mends it.
    pub fix: Option<Fix>,
}

/// A place that has to do with a finding.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Related {
    /// The file.
    pub file: String,
    /// Where in the file.
    pub position: Position,
    /// What is there.
    pub message: String,
}

/// A change of a file's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fix {
    /// Whether every request is answered as before.
    pub safe: bool,
    /// What it does.
    pub title: String,
    /// The replacements, none touching another.
    pub edits: Vec<Edit>,
}

/// Bytes of a text and what comes in their place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, position: Position, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            position,
            message: message.into(),
            help: None,
            server: None,
            subject: String::new(),
            related: Vec::new(),
            fix: None,
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn refused(self, server: impl Into<String>) -> Self {
        Self { server: Some(server.into()), ..self }
    }

    pub(crate) fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    pub(crate) fn related(mut self, related: Related) -> Self {
        self.related.push(related);
        self
    }

    /// Adds a change, if there is one; whether it is safe is the rule's to say.
    pub(crate) fn fixed(self, title: impl Into<String>, edits: Option<Vec<Edit>>) -> Self {
        let safe = self.rule.fixable == Fixable::Safe;
        let fix = edits.map(|edits| Fix { safe, title: title.into(), edits });
        Self { fix, ..self }
    }
}
