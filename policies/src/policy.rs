//! Policies as the server understands them: HCL 1 or JSON, read with its rules and its refusals (OpenBao 2.7).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blinkchamber_hcl::{Body, Item, Kind, Position, Recovered, go_quote, is_json};

use crate::rules::{self, Finding};

mod block;
mod capability;
mod constraints;
mod control_group;
mod decode;
mod duration;
#[cfg(test)]
mod tests;

use block::Block;
pub use capability::{Capability, CapabilitySet};
pub use constraints::{Constraints, Parameter};

/// A policy that the server accepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Its path blocks, in source order; a path may stand more than once.
    pub rules: Vec<PathRule>,
}

/// One path block.
#[derive(Clone, Debug, PartialEq)]
pub struct PathRule {
    /// The path as written.
    pub path: String,
    /// Where the path stands, or the keyword when there is no label.
    pub position: Position,
    /// Number of labels: one, unless the author slipped.
    pub labels: usize,
    /// What the rule grants; `deny` stands alone.
    pub capabilities: BTreeSet<Capability>,
    /// `deny` was written beside other capabilities, which it drops.
    pub deny_drops: bool,
    /// The rule's `expiration` is over: the server skips it.
    pub expired: bool,
    /// What the rule asks of a request beyond the capability.
    pub constraints: Constraints,
}

/// Which server reads a policy.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Dialect {
    /// OpenBao 2.7
    #[default]
    #[value(name = "openbao")]
    OpenBao,
    /// HashiCorp Vault 1.21
    Vault,
}

/// Reads a policy as the server would at a time, given in seconds since 1970 (an expired rule is not looked at).
///
/// # Errors
/// Every reason found for which the server refuses the text; the first one carries the server's answer.
pub fn parse(text: &str, now: i64) -> Result<Policy, Vec<Finding>> {
    parse_for(Dialect::OpenBao, text, now)
}

/// Reads a policy as one of the servers would.
///
/// # Errors
/// As [`parse`].
pub fn parse_for(dialect: Dialect, text: &str, now: i64) -> Result<Policy, Vec<Finding>> {
    if text.is_empty() {
        let finding =
            Finding::new(rules::EMPTY_POLICY, Position { line: 1, column: 1, offset: 0 }, "the policy is empty");
        return Err(vec![finding.refused("'policy' parameter not supplied or empty")]);
    }
    match base64_body(text) {
        Some(decoded) => parse_plain(dialect, &decoded, now).map(Policy::without_places).map_err(|findings| {
            let start = Position { line: 1, column: 1, offset: 0 };
            let behind = |finding: Finding| Finding {
                position: start,
                message: format!("the text is valid base64 and is decoded first; then: {}", finding.message),
                ..finding
            };
            findings.into_iter().map(behind).collect()
        }),
        None => parse_plain(dialect, text, now),
    }
}

/// Seconds of a duration as the server reads it: `90`, `90s`, `1h30m`, `1d`.
pub(crate) fn seconds(text: &str) -> Result<i128, String> {
    duration::of_text(text).map(|nanoseconds| nanoseconds / duration::SECOND)
}

/// What the server reads instead of a text that happens to be valid base64.
pub(crate) fn base64_body(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|read| !matches!(read, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(text).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse_plain(dialect: Dialect, text: &str, now: i64) -> Result<Policy, Vec<Finding>> {
    let json = is_json(text);
    let Recovered { body, errors } = blinkchamber_hcl::recover(text);
    let body = if json { body.flattened() } else { body };
    let mut reader = Reader { dialect, now, json, policy: Policy::default(), findings: Vec::new() };
    reader.repeated(&body);
    reader.body(&body);
    let mut findings = reader.findings;
    if errors.is_empty() {
        return if findings.is_empty() { Ok(reader.policy) } else { Err(findings) };
    }
    // The server stops at a syntax error, so the words for the rest would never be heard.
    for finding in &mut findings {
        finding.server = None;
    }
    let mut syntax = errors.into_iter().map(|error| {
        let server = format!("failed to parse policy: {}", error.server_message());
        Finding::new(rules::SYNTAX, error.position, error.message).refused(server)
    });
    let first = syntax.next();
    findings.extend(syntax.map(|finding| Finding { server: None, ..finding }));
    findings.sort_by_key(|finding| finding.position);
    Err(first.into_iter().chain(findings).collect())
}

impl Policy {
    /// The places of a decoded text mean nothing in the text that was given.
    fn without_places(mut self) -> Self {
        for rule in &mut self.rules {
            rule.position = Position { line: 1, column: 1, offset: 0 };
        }
        self
    }
}

struct Reader {
    dialect: Dialect,
    now: i64,
    json: bool,
    policy: Policy,
    findings: Vec<Finding>,
}

pub(crate) const TOP_KEYS: [&str; 2] = ["name", "path"];
pub(crate) const PATH_KEYS: [&str; 14] = [
    "allowed_parameters",
    "capabilities",
    "comment",
    "control_group",
    "denied_parameters",
    "expiration",
    "list_scan_response_keys_filter_path",
    "max_wrapping_ttl",
    "mfa_methods",
    "min_wrapping_ttl",
    "pagination_limit",
    "policy",
    "required_parameters",
    "subscribe_event_types",
];

/// Keys that only one of the servers knows.
const OPENBAO_KEYS: [&str; 3] = ["expiration", "list_scan_response_keys_filter_path", "pagination_limit"];
const VAULT_KEYS: [&str; 1] = ["subscribe_event_types"];

impl Reader {
    /// Vault takes an attribute once; OpenBao adds lists up and lets the last scalar win.
    fn repeated(&mut self, body: &Body) {
        if self.dialect != Dialect::Vault || self.json {
            return;
        }
        let mut seen = BTreeSet::new();
        for item in &body.items {
            let key = item.keys.first().filter(|_| item.assigned);
            if let Some(key) = key
                && !seen.insert(&key.text)
            {
                let Position { line, column, .. } = key.position;
                let said = format!(
                    "The argument {} at {line}:{column} was already set. Each argument can only be defined once",
                    go_quote(&key.text)
                );
                let message = format!("{} is set twice; Vault takes an attribute once", key.text);
                let finding = Finding::new(rules::NOT_IN_DIALECT, key.position, message);
                self.findings.push(finding.refused(format!("failed to parse policy: {said}")));
            }
            if let Kind::Object(inner) = &item.value.kind {
                self.repeated(inner);
            }
        }
    }

    fn body(&mut self, body: &Body) {
        let before = self.findings.len();
        self.unknown_keys(body, &TOP_KEYS, "");
        if self.findings.len() == before {
            for item in body.items.iter().filter(|item| first(item).eq_ignore_ascii_case("name")) {
                if let Err(wrong) = decode::string(&item.value, "root.name") {
                    self.findings.push(wrong.finding("", self.json));
                }
            }
        }
        for item in body.items.iter().filter(|item| first(item) == "path") {
            self.path(item);
        }
    }

    fn path(&mut self, item: &Item) {
        let keyword = item.keys.first().map(|key| key.position).unwrap_or_default();
        let label = item.keys.get(1);
        let path = label.map_or_else(|| "path".to_owned(), |key| key.text.clone());
        let mut block = Block {
            position: label.map_or(keyword, |key| key.position),
            prefix: format!("path {}: ", go_quote(&path)),
            dialect: self.dialect,
            json: self.json,
            findings: Vec::new(),
        };
        if !balanced(&path) {
            let message = format!("{{{{ and }}}} of {path:?} do not pair");
            block.add(
                rules::UNBALANCED_TEMPLATE,
                block.position,
                message,
                "failed to validate policy templating: unbalanced templating characters",
            );
        }
        let Kind::Object(body) = &item.value.kind else {
            let message = "path takes a block: path \"secret/data/app\" { ... }".to_owned();
            let server = format!("cannot check HCL keys of type {}", decode::go_type(&item.value));
            block.add(rules::WRONG_TYPE, item.value.position, message, &server);
            self.findings.append(&mut block.findings);
            return;
        };
        self.findings.append(&mut block.findings);
        self.unknown_keys(body, &PATH_KEYS, &block.prefix);
        let rule = block.rule(body, path, item.keys.len().saturating_sub(1), self.now);
        self.findings.append(&mut block.findings);
        self.policy.rules.push(rule);
    }

    /// Reports unknown keys of a body, all in the one answer that the server gives.
    fn unknown_keys(&mut self, body: &Body, known: &[&str], prefix: &str) {
        let unknown: Vec<_> = body.items.iter().filter(|item| !is_known(self.dialect, first(item), known)).collect();
        let lines: Vec<_> = unknown.iter().map(|item| decode::invalid_key(item)).collect();
        let mut server = Some(format!("failed to parse policy: {prefix}{}", decode::errors(&lines)));
        for item in unknown {
            let key = first(item);
            let position = item.keys.first().map(|key| key.position).unwrap_or_default();
            let finding = if !prefix.is_empty() && known.contains(&key) {
                let other = if self.dialect == Dialect::OpenBao { "Vault" } else { "OpenBao" };
                Finding::new(rules::NOT_IN_DIALECT, position, format!("only {other} knows {key}"))
            } else if prefix.is_empty() {
                let message = format!("{key:?} is no key of a policy: only path (and name) may stand here");
                Finding::new(rules::UNKNOWN_KEY, position, message)
            } else {
                Finding::new(rules::UNKNOWN_KEY, position, format!("{key:?} is no key of a path block"))
            };
            let finding = match nearest(key, known) {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding,
            };
            self.findings.push(Finding { server: server.take(), ..finding });
        }
    }
}

fn items<'a>(body: &'a Body, key: &str) -> impl Iterator<Item = &'a Item> {
    body.items.iter().filter(move |item| first(item) == key)
}

fn first(item: &Item) -> &str {
    item.keys.first().map_or("", |key| key.text.as_str())
}

fn is_known(dialect: Dialect, key: &str, known: &[&str]) -> bool {
    let foreign: &[&str] = if dialect == Dialect::OpenBao { &VAULT_KEYS } else { &OPENBAO_KEYS };
    !foreign.contains(&key) && known.contains(&key)
}

/// `{{` and `}}` alternate, as the server's template check wants it.
fn balanced(path: &str) -> bool {
    let pieces: Vec<_> = path.split("{{").collect();
    let Some((head, rest)) = pieces.split_first() else { return true };
    !head.contains("}}") && rest.iter().all(|piece| piece.matches("}}").count() == 1)
}

/// The known word that differs least, if the difference is a slip.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = known.iter().map(|candidate| (distance(&word, candidate), *candidate)).min()?;
    (near.0 <= 1 + near.1.len() / 5).then_some(near.1)
}

fn distance(left: &str, right: &str) -> usize {
    let right: Vec<_> = right.chars().collect();
    let mut row: Vec<_> = (0..=right.len()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for (other, (above, diagonal)) in right.iter().zip(row.iter().skip(1).zip(&row)) {
            let before = next.last().copied().unwrap_or_default();
            next.push((above + 1).min(before + 1).min(diagonal + usize::from(one != *other)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
