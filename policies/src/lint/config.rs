//! The linter's configuration file.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use super::options::{LintOptions, PathOptions, Selector, Target};
use crate::policy;
use crate::rules::Severity;

#[cfg(test)]
mod tests;

/// The file that is read when no other is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "policies-lint.yaml";

/// A configuration, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    target: Target,
    select: Vec<String>,
    extend_select: Vec<String>,
    ignore: Vec<String>,
    severity: BTreeMap<String, Word>,
    fail_on: Option<String>,
    kv2: BTreeSet<String>,
    mounts: BTreeMap<String, String>,
    mounts_complete: bool,
    placeholders: Vec<String>,
    require_reasons: bool,
    owner_prefixes: Vec<String>,
    database_connections: BTreeSet<String>,
    limits: WrittenLimits,
    baseline: Option<String>,
    paths: Vec<WrittenPath>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenLimits {
    token_ttl: Option<String>,
    token_max_ttl: Option<String>,
    mount_max_ttl: Option<String>,
    database_ttl: Option<String>,
    certificate_ttl: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenPath {
    path: String,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    severity: BTreeMap<String, Word>,
    owner_prefixes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Error,
    Warning,
    Info,
    Style,
}

impl From<Word> for Severity {
    fn from(word: Word) -> Self {
        match word {
            Word::Error => Self::Error,
            Word::Warning => Self::Warning,
            Word::Info => Self::Info,
            Word::Style => Self::Style,
        }
    }
}

/// A configuration: what the rules are told, and what the command does with what they find.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) options: LintOptions,
    pub(crate) fail_on: Option<String>,
    pub(crate) baseline: Option<String>,
}

/// Reads a configuration.
///
/// # Errors
/// A sentence with the place, or with the word that is wrong.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    if text.trim().is_empty() {
        return Ok(Config::default());
    }
    let written: Written = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map(|place| format!("line {}: ", place.line())).unwrap_or_default();
        let message = error.without_snippet().to_string();
        format!("{place}{}", message.lines().next().unwrap_or_default())
    })?;
    let mut options = LintOptions {
        kv2: written.kv2,
        mounts: written.mounts,
        mounts_complete: written.mounts_complete,
        target: written.target,
        require_reasons: written.require_reasons,
        owner_prefixes: written.owner_prefixes,
        database_connections: written.database_connections,
        severities: severities(written.severity)?,
        ..LintOptions::default()
    };
    options.selection.select = selectors(&written.select)?;
    options.selection.extend = selectors(&written.extend_select)?;
    options.selection.ignore = selectors(&written.ignore)?;
    for pattern in written.placeholders {
        options.placeholders.push(Regex::new(&pattern).map_err(|error| format!("placeholders: {error}"))?);
    }
    for path in written.paths {
        let (ignore, severities) = (selectors(&path.ignore)?, severities(path.severity)?);
        options.paths.push(PathOptions { path: path.path, ignore, severities, owner_prefixes: path.owner_prefixes });
    }
    let limits = written.limits;
    set(&mut options.limits.token_ttl, "token-ttl", limits.token_ttl)?;
    set(&mut options.limits.token_max_ttl, "token-max-ttl", limits.token_max_ttl)?;
    set(&mut options.limits.mount_max_ttl, "mount-max-ttl", limits.mount_max_ttl)?;
    set(&mut options.limits.database_ttl, "database-ttl", limits.database_ttl)?;
    set(&mut options.limits.certificate_ttl, "certificate-ttl", limits.certificate_ttl)?;
    Ok(Config { options, fail_on: written.fail_on, baseline: written.baseline })
}

/// Reads words that stand for rules.
///
/// # Errors
/// A sentence about the first word that stands for none.
pub(crate) fn selectors(words: &[String]) -> Result<Vec<Selector>, String> {
    words.iter().map(|word| Selector::parse(word)).collect()
}

fn severities(written: BTreeMap<String, Word>) -> Result<Vec<(Selector, Severity)>, String> {
    let mut read =
        written.into_iter().map(|(word, severity)| Ok((word.len(), Selector::parse(&word)?, severity.into())));
    let mut all = read.by_ref().collect::<Result<Vec<_>, String>>()?;
    // The longer word is about fewer rules, and the last that covers a rule counts.
    all.sort_by_key(|(length, ..)| *length);
    Ok(all.into_iter().map(|(_, selector, severity)| (selector, severity)).collect())
}

fn set(limit: &mut u64, name: &str, written: Option<String>) -> Result<(), String> {
    let Some(text) = written else { return Ok(()) };
    let seconds = policy::seconds(&text).ok().and_then(|seconds| u64::try_from(seconds).ok());
    *limit = seconds
        .ok_or_else(|| format!("limits.{name}: {text:?} is no duration such as 90, \"90s\", \"1h\" or \"1d\""))?;
    Ok(())
}
