//! Looks at policies: what the server would refuse, and what it takes but can hardly be meant.

use std::collections::BTreeSet;

use blinkchamber_hcl::Position;

use crate::policy::{self, Capability, PathRule, base64_body};
use crate::rules::{self, Finding};

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::{human, json};

/// What the linter has to be told.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LintOptions {
    /// Mounts known to be KV version 2.
    pub kv2: BTreeSet<String>,
    /// Seconds since 1970, for `expiration`.
    pub now: i64,
}

/// Places below a KV v2 mount.
const KV2_PLACES: [&str; 8] =
    ["config", "data", "delete", "destroy", "detailed-metadata", "metadata", "subkeys", "undelete"];

/// Every finding of a policy's text, in the order of the text.
#[must_use]
pub fn lint(text: &str, options: &LintOptions) -> Vec<Finding> {
    let mut findings = match policy::parse(text, options.now) {
        Ok(policy) => {
            let mut findings = Vec::new();
            let start = Position { line: 1, column: 1, offset: 0 };
            if base64_body(text).is_some() {
                findings.push(Finding::new(
                    rules::BASE64_BODY,
                    start,
                    "the text is valid base64, so the server decodes it",
                ));
            }
            if policy.rules.is_empty() {
                findings.push(Finding::new(rules::EMPTY_POLICY, start, "no path block: the policy grants nothing"));
            }
            for rule in policy.rules.iter().filter(|rule| !rule.expired) {
                of_path(rule, options, &mut findings);
                of_capabilities(rule, &mut findings);
            }
            findings
        }
        Err(findings) => findings,
    };
    findings.sort_by_key(|finding| (finding.position, finding.rule.code));
    findings
}

fn of_path(rule: &PathRule, options: &LintOptions, findings: &mut Vec<Finding>) {
    let written = &rule.path;
    let mut found = |which, message: String, help: Option<String>| {
        findings.push(Finding { help, ..Finding::new(which, rule.position, message) });
    };
    if rule.labels == 0 {
        found(rules::MISSING_LABEL, "path without a label is a rule for the path \"path\"".to_owned(), None);
        return;
    }
    if rule.labels > 1 {
        let help = Some("write one block for each path".to_owned());
        found(rules::EXTRA_LABEL, format!("only the first label counts: {written:?}"), help);
    }
    let path = written.strip_prefix('/').unwrap_or(written);
    if path.strip_suffix('*').unwrap_or(path).contains('*') {
        let help = "for one segment write +; for all below write a * at the end only".to_owned();
        found(rules::STAR_NOT_AT_END, format!("a * inside {written:?} matches only a star"), Some(help));
    }
    if path.split('/').any(|segment| segment.contains('+') && segment != "+") {
        found(rules::LITERAL_PLUS, format!("a + beside other characters in {written:?} matches only a plus"), None);
    }
    if path != path.trim() {
        let help = Some(format!("write {:?}", path.trim()));
        found(rules::SPACE_IN_PATH, format!("the blanks around {written:?} are part of the path"), help);
    }
    if path.starts_with('/') || path.contains("//") {
        found(rules::EMPTY_SEGMENT, format!("// in {written:?} matches no request"), None);
    }
    if let Some(rest) = path.strip_prefix("v1/") {
        found(rules::VERSION_PREFIX, format!("{written:?} begins with v1/"), Some(format!("write {rest:?}")));
    }
    for mount in options.kv2.iter().map(|mount| mount.trim_matches('/')) {
        let Some(rest) = path.strip_prefix(mount).and_then(|rest| rest.strip_prefix('/')) else { continue };
        if !in_kv2_place(rest) {
            let help = Some(format!("for the secret itself write {:?}", format!("{mount}/data/{rest}")));
            found(rules::KV2_MISSING_DATA, format!("{mount} is KV v2, and nothing is served at {written:?}"), help);
        } else if rest.starts_with("data/data/") {
            let help = Some(format!("for the secret {:?} write one data/ less", rest.trim_start_matches("data/")));
            found(rules::KV2_DOUBLE_DATA, format!("{written:?} has data/ twice"), help);
        }
    }
}

fn of_capabilities(rule: &PathRule, findings: &mut Vec<Finding>) {
    let path = &rule.path;
    let bare = path.trim_start_matches('/');
    let denies = rule.capabilities.contains(&Capability::Deny);
    let segments = bare == "+" || bare.starts_with("+/") || bare.contains("/+");
    let mut found = |which, message: String, help: &str| {
        findings.push(Finding::new(which, rule.position, message).help(help));
    };
    if rule.capabilities.is_empty() {
        let message = format!("{path:?} grants nothing, and hides what wider rules grant there");
        found(rules::NO_CAPABILITIES, message, "name capabilities, or write deny");
    }
    if rule.deny_drops {
        let message = format!("deny drops the other capabilities of {path:?}");
        found(rules::DENY_WITH_OTHERS, message, "let deny stand alone, or leave it out");
    }
    if rule.capabilities.contains(&Capability::Sudo) && (bare.ends_with('*') || segments) {
        let message = format!("sudo on {path:?} covers every root-protected path it matches, those to come included");
        found(rules::SUDO_ON_WILDCARD, message, "write one rule with sudo for each path that needs it");
    }
    if matches!(bare, "*" | "+/*" | "+*") && !denies && !rule.capabilities.is_empty() {
        found(rules::ROOT_WILDCARD, format!("{path:?} covers the whole server"), "name the paths that are needed");
    }
}

/// True when the rule can match a place that KV v2 serves.
fn in_kv2_place(rest: &str) -> bool {
    let first = rest.split('/').next().unwrap_or_default();
    match first.strip_suffix('*') {
        Some(prefix) if first.len() == rest.len() => KV2_PLACES.iter().any(|place| place.starts_with(prefix)),
        _ => first.is_empty() || first == "+" || first.contains("{{") || KV2_PLACES.contains(&first),
    }
}
