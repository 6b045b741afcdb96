//! What the linter is told.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::rules::{Rule, Severity};

#[cfg(test)]
mod tests;

/// Which server the policies are for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// OpenBao 2.7.
    #[default]
    Openbao,
    /// Vault 1.21.
    Vault,
}

/// What the linter has to be told.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LintOptions {
    /// Mounts known to be KV version 2.
    pub kv2: BTreeSet<String>,
    /// Other mounts and their kinds, such as `pki_int` and `pki`.
    pub mounts: BTreeMap<String, String>,
    /// The mounts named here are all that the server has.
    pub mounts_complete: bool,
    /// Seconds since 1970, for `expiration`.
    pub now: i64,
    /// Which server reads the policies.
    pub target: Target,
    /// Which rules look.
    pub selection: Selection,
    /// Severities other than the rules' own.
    pub severities: Vec<(Selector, Severity)>,
    /// What holds for some files only; the last that matches wins.
    pub paths: Vec<PathOptions>,
    /// Words that a template engine should have replaced.
    pub placeholders: Vec<Regex>,
    /// An ignore must say why.
    pub require_reasons: bool,
    /// Where a team's rules may be, when no path says otherwise.
    pub owner_prefixes: Vec<String>,
    /// Connections of database engines.
    pub database_connections: BTreeSet<String>,
    /// Limits that a rule compares with.
    pub limits: Limits,
}

/// Limits, in seconds or numbers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A token's life.
    pub token_ttl: u64,
    /// A token's longest life.
    pub token_max_ttl: u64,
    /// What the auth mount allows.
    pub mount_max_ttl: u64,
    /// A database credential's longest life.
    pub database_ttl: u64,
    /// A certificate's longest life.
    pub certificate_ttl: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            token_ttl: 24 * HOUR,
            token_max_ttl: 768 * HOUR,
            mount_max_ttl: 768 * HOUR,
            database_ttl: 24 * HOUR,
            certificate_ttl: 90 * 24 * HOUR,
        }
    }
}

/// What holds for files whose path matches.
#[derive(Clone, Debug, Default)]
pub struct PathOptions {
    /// `*` within a folder, `**` over folders, `?` one character.
    pub path: String,
    /// Rules that look nowhere in these files.
    pub ignore: Vec<Selector>,
    /// Severities other than the rules' own.
    pub severities: Vec<(Selector, Severity)>,
    /// Where rules may be in these files; none: anywhere.
    pub owner_prefixes: Option<Vec<String>>,
}

/// Words that stand for rules: a code, a name, or how codes begin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selector(String);

impl Selector {
    /// Reads a word; `ALL` stands for every rule.
    ///
    /// # Errors
    /// A sentence, when no rule has that code or name and no code begins so.
    pub fn parse(word: &str) -> Result<Self, String> {
        let selector = Self(if word.eq_ignore_ascii_case("all") { String::new() } else { word.to_owned() });
        if crate::rules::ALL.iter().any(|rule| selector.covers(rule)) {
            return Ok(selector);
        }
        let names: Vec<_> = crate::rules::ALL.iter().map(|rule| rule.name).collect();
        let near =
            crate::policy::nearest(word, &names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Err(format!("{word:?} is no rule and no code begins with it{near}"))
    }

    /// True when the word stands for a rule.
    #[must_use]
    pub fn covers(&self, rule: &Rule) -> bool {
        rule.name == self.0 || rule.code.get(..self.0.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.0))
    }

    /// True when the word names this rule alone.
    fn names(&self, rule: &Rule) -> bool {
        rule.name == self.0 || rule.code.eq_ignore_ascii_case(&self.0)
    }
}

/// Which rules look.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these; none: every rule that is not pedantic.
    pub select: Vec<Selector>,
    /// These, too.
    pub extend: Vec<Selector>,
    /// Not these.
    pub ignore: Vec<Selector>,
}

impl Selection {
    /// True when a rule looks: a word that names a rule alone is stronger than one that covers it.
    #[must_use]
    pub fn includes(&self, rule: &Rule) -> bool {
        let asked = |list: &[Selector]| list.iter().any(|selector| selector.names(rule));
        let covered = |list: &[Selector]| list.iter().any(|selector| selector.covers(rule));
        let all = self.select.iter().chain(&self.extend).any(|selector| selector.0.is_empty());
        let wanted = asked(&self.select)
            || asked(&self.extend)
            || ((!rule.pedantic || all) && (self.select.is_empty() || covered(&self.select) || covered(&self.extend)));
        wanted && !asked(&self.ignore) && (!covered(&self.ignore) || asked(&self.select) || asked(&self.extend))
    }
}

impl LintOptions {
    /// The mounts with their kinds, KV v2 among them.
    pub(super) fn all_mounts(&self) -> BTreeMap<String, String> {
        let kv2 = self.kv2.iter().map(|mount| (mount.trim_matches('/').to_owned(), "kv2".to_owned()));
        self.mounts.clone().into_iter().chain(kv2).collect()
    }

    /// True when a rule looks at a file.
    pub(super) fn looks(&self, rule: &Rule, file: &str) -> bool {
        let ignored = |options: &PathOptions| options.ignore.iter().any(|selector| selector.covers(rule));
        self.selection.includes(rule) && !self.paths_of(file).any(ignored)
    }

    /// How bad a finding of a rule is in a file.
    pub(super) fn severity(&self, rule: &Rule, file: &str) -> Severity {
        let of_paths = self.paths_of(file).flat_map(|options| &options.severities);
        let chosen = self.severities.iter().chain(of_paths).filter(|(selector, _)| selector.covers(rule)).last();
        chosen.map_or(rule.severity, |(_, severity)| *severity)
    }

    /// Where rules may be in a file; none: anywhere.
    pub(super) fn prefixes<'a>(&'a self, file: &'a str) -> &'a [String] {
        let of_path = self.paths_of(file).filter_map(|options| options.owner_prefixes.as_ref()).last();
        of_path.unwrap_or(&self.owner_prefixes)
    }

    fn paths_of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a PathOptions> {
        self.paths.iter().filter(move |options| glob(&options.path, file.strip_prefix("./").unwrap_or(file)))
    }
}

/// True when a file's path matches: the pattern may stand for the end of the path only.
pub(super) fn glob(pattern: &str, path: &str) -> bool {
    let starts = path.match_indices('/').map(|(at, _)| at + 1);
    std::iter::once(0)
        .chain(starts)
        .any(|start| matches(pattern.as_bytes(), path.as_bytes().get(start..).unwrap_or_default()))
}

fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            matches(rest, path)
                || (0..path.len())
                    .any(|at| path.get(at) == Some(&b'/') && matches(rest, path.get(at + 1..).unwrap_or_default()))
        }
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|at| matches(rest, path.get(at..).unwrap_or_default())),
        [b'*', rest @ ..] => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|at| matches(rest, path.get(at..).unwrap_or_default()))
        }
        [b'?', rest @ ..] => matches!(path, [byte, behind @ ..] if *byte != b'/' && matches(rest, behind)),
        [first, rest @ ..] => matches!(path, [byte, behind @ ..] if byte == first && matches(rest, behind)),
    }
}
