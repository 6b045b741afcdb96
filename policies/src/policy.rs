//! Policies as the server understands them: HCL 1 or JSON, read with its rules and its refusals (OpenBao 2.7).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blinkchamber_hcl::{Body, Item, Kind, Position, is_json};

use crate::rules::{self, Finding};

mod control_group;
mod decode;
mod duration;
#[cfg(test)]
mod tests;

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
}

/// What a rule can grant.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Capability {
    /// `create`
    Create,
    /// `read`
    Read,
    /// `update`
    Update,
    /// `patch`
    Patch,
    /// `delete`
    Delete,
    /// `list`
    List,
    /// `scan`, OpenBao's recursive list
    Scan,
    /// `sudo`
    Sudo,
    /// `deny`
    Deny,
}

impl Capability {
    /// Every capability, in the order in which we write them.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::List,
        Self::Scan,
        Self::Sudo,
        Self::Deny,
    ];

    /// The word that stands in a policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Sudo => "sudo",
            Self::Deny => "deny",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.word() == word)
    }
}

/// Reads a policy as the server would at a time, given in seconds since 1970 (an expired rule is not looked at).
///
/// # Errors
/// Every reason found for which the server refuses the text; the first one carries the server's answer.
pub fn parse(text: &str, now: i64) -> Result<Policy, Vec<Finding>> {
    if text.is_empty() {
        let finding =
            Finding::new(rules::EMPTY_POLICY, Position { line: 1, column: 1, offset: 0 }, "the policy is empty");
        return Err(vec![finding.refused("'policy' parameter not supplied or empty")]);
    }
    match base64_body(text) {
        Some(decoded) => parse_plain(&decoded, now).map(Policy::without_places).map_err(|findings| {
            let start = Position { line: 1, column: 1, offset: 0 };
            let behind = |finding: Finding| Finding {
                position: start,
                message: format!("the text is valid base64 and is decoded first; then: {}", finding.message),
                ..finding
            };
            findings.into_iter().map(behind).collect()
        }),
        None => parse_plain(text, now),
    }
}

/// What the server reads instead of a text that happens to be valid base64.
pub(crate) fn base64_body(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|read| !matches!(read, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(text).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse_plain(text: &str, now: i64) -> Result<Policy, Vec<Finding>> {
    let body = match blinkchamber_hcl::parse(text) {
        Ok(body) if is_json(text) => body.flattened(),
        Ok(body) => body,
        Err(error) => {
            let server = format!("failed to parse policy: {}", error.server_message());
            return Err(vec![Finding::new(rules::SYNTAX, error.position, error.message).refused(server)]);
        }
    };
    let mut reader = Reader { now, json: is_json(text), policy: Policy::default(), findings: Vec::new() };
    reader.body(&body);
    if reader.findings.is_empty() { Ok(reader.policy) } else { Err(reader.findings) }
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
    now: i64,
    json: bool,
    policy: Policy,
    findings: Vec<Finding>,
}

const TOP_KEYS: [&str; 2] = ["name", "path"];
const PATH_KEYS: [&str; 14] = [
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

impl Reader {
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
            prefix: format!("path {}: ", decode::go_quote(&path)),
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
        let unknown: Vec<_> = body.items.iter().filter(|item| !is_known(first(item), known)).collect();
        let lines: Vec<_> = unknown.iter().map(|item| decode::invalid_key(item)).collect();
        let mut server = Some(format!("failed to parse policy: {prefix}{}", decode::errors(&lines)));
        for item in unknown {
            let key = first(item);
            let position = item.keys.first().map(|key| key.position).unwrap_or_default();
            let finding = if key == "subscribe_event_types" {
                Finding::new(rules::NOT_IN_DIALECT, position, "only Vault knows subscribe_event_types")
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

/// One path block while it is read.
struct Block {
    position: Position,
    prefix: String,
    json: bool,
    findings: Vec<Finding>,
}

impl Block {
    fn rule(&mut self, body: &Body, path: String, labels: usize, now: i64) -> PathRule {
        for item in items(body, "control_group") {
            if let Err((position, text)) = control_group::check(&item.value) {
                let message = text.trim_end().replace("\n\t* ", " ").replace('\n', " ");
                let server = format!("error handling control_group: {text}");
                self.add(rules::BAD_CONTROL_GROUP, position, message, &server);
            }
        }
        let old = self.last_string(body, "policy");
        let words = self.strings(body, "capabilities", "root.Capabilities");
        for key in ["allowed_parameters", "denied_parameters"] {
            for item in items(body, key) {
                self.check(decode::parameters(item, key));
            }
        }
        for key in ["required_parameters", "mfa_methods"] {
            self.strings(body, key, &format!("root.{key}"));
        }
        for item in items(body, "pagination_limit") {
            self.check(decode::integer(&item.value, "root.pagination_limit"));
        }
        let expired = self.expiration(body, now);
        let mut rule = PathRule {
            path,
            position: self.position,
            labels,
            capabilities: BTreeSet::new(),
            deny_drops: false,
            expired,
        };
        if rule.path.trim_start_matches('/').contains("+*") {
            let message = format!("+* in {:?}: a star behind a plus is refused", rule.path);
            let shown = decode::go_quote(rule.path.strip_prefix('/').unwrap_or(&rule.path));
            let server = format!("path {shown}: invalid use of wildcards ('+*' is forbidden)");
            self.add(rules::PLUS_STAR, self.position, message, &server);
        }
        if expired {
            return rule;
        }
        self.capabilities(&mut rule, old, words);
        if !rule.capabilities.contains(&Capability::Deny) {
            self.constraints(body, &rule);
        }
        rule
    }

    fn capabilities(&mut self, rule: &mut PathRule, old: Option<(String, Position)>, words: Vec<(String, Position)>) {
        let mut denied = false;
        if let Some((old, position)) = old.filter(|(old, _)| !old.is_empty()) {
            use Capability::{Create, Delete, List, Read, Sudo, Update};
            match old.as_str() {
                "deny" => denied = true,
                "read" => rule.capabilities.extend([Read, List]),
                "write" => rule.capabilities.extend([Create, Read, Update, Delete, List]),
                "sudo" => rule.capabilities.extend([Create, Read, Update, Delete, List, Sudo]),
                _ => {
                    let message = format!("policy = {old:?}: it takes deny, read, write or sudo");
                    let server = format!("{}invalid policy {}", self.prefix, decode::go_quote(&old));
                    self.add(rules::INVALID_OLD_POLICY, position, message, &server);
                }
            }
        }
        if denied {
            rule.deny_drops = !words.is_empty();
        }
        let total = words.len();
        for (word, position) in if denied { Vec::new() } else { words } {
            match Capability::parse(&word) {
                // The server looks no further than a deny.
                Some(Capability::Deny) => {
                    rule.deny_drops = total > 1 || !rule.capabilities.is_empty();
                    denied = true;
                    break;
                }
                Some(capability) => {
                    rule.capabilities.insert(capability);
                }
                None => self.invalid_capability(&word, position),
            }
        }
        if denied {
            rule.capabilities = BTreeSet::from([Capability::Deny]);
        }
    }

    fn invalid_capability(&mut self, word: &str, position: Position) {
        let rule =
            if matches!(word, "recover" | "subscribe") { rules::NOT_IN_DIALECT } else { rules::INVALID_CAPABILITY };
        let message = match rule.code {
            "VP010" => format!("only Vault knows the capability {word:?}"),
            _ => format!("{word:?} is no capability"),
        };
        let server = format!("{}invalid capability {}", self.prefix, decode::go_quote(word));
        self.add(rule, position, message, &server);
        let lower = word.trim().to_lowercase();
        let help = match lower.as_str() {
            "write" => Some("write is create and update".to_owned()),
            "*" | "all" => Some("name each capability that is needed".to_owned()),
            "root" => Some("root cannot be granted; name each capability that is needed".to_owned()),
            _ if Capability::parse(&lower).is_some() => Some(format!("write {lower:?}")),
            _ => nearest(&lower, &Capability::ALL.map(Capability::word)).map(|near| format!("did you mean {near:?}?")),
        };
        if let Some(last) = self.findings.last_mut() {
            last.help = help;
        }
    }

    /// What the server checks only behind the capabilities, and not for a deny.
    fn constraints(&mut self, body: &Body, rule: &PathRule) {
        let minimum = self.wrapping_ttl(body, "min_wrapping_ttl");
        let maximum = self.wrapping_ttl(body, "max_wrapping_ttl");
        if let (Some((minimum, _)), Some((maximum, position))) = (minimum, maximum)
            && minimum != 0
            && maximum != 0
            && maximum < minimum
        {
            let message = "max_wrapping_ttl is less than min_wrapping_ttl".to_owned();
            self.add(rules::BAD_DURATION, position, message, "max_wrapping_ttl cannot be less than min_wrapping_ttl");
        }
        self.list_filter(body, rule);
    }

    fn wrapping_ttl(&mut self, body: &Body, key: &str) -> Option<(i128, Position)> {
        let item = items(body, key).last()?;
        match duration::parse(&item.value) {
            Ok(nanoseconds) => Some((nanoseconds, item.value.position)),
            Err(reason) => {
                let message = format!("{key} is no duration such as 90, \"90s\", \"1h\" or \"1d\"");
                self.add(rules::BAD_DURATION, item.value.position, message, &format!("error parsing {key}: {reason}"));
                None
            }
        }
    }

    fn expiration(&mut self, body: &Body, now: i64) -> bool {
        let Some((text, position)) = self.last_string(body, "expiration") else { return false };
        match duration::instant(&text) {
            Ok(seconds) => seconds.is_some_and(|seconds| seconds < now),
            Err(reason) => {
                let message =
                    "expiration takes a time such as \"2030-01-02T15:04:05Z\" or seconds since 1970".to_owned();
                let server = format!("{}invalid expiration time: {reason}", self.prefix);
                self.add(rules::BAD_LIMIT, position, message, &server);
                false
            }
        }
    }

    fn list_filter(&mut self, body: &Body, rule: &PathRule) {
        const KEY: &str = "list_scan_response_keys_filter_path";
        let Some((text, position)) = self.last_string(body, KEY).filter(|(text, _)| !text.is_empty()) else { return };
        if !rule.capabilities.contains(&Capability::List) {
            let message = format!("{KEY} needs the capability list in the same block");
            let server = format!("{KEY} needs to be used on a path with the list capability");
            self.add(rules::BAD_FILTER, position, message, &server);
        } else if let Err(error) =
            blinkchamber_templates::Template::compile(&text, &blinkchamber_templates::Options::default())
            && !error.message.contains("function")
        {
            let message = format!("{KEY} is no template: {}", error.message);
            let server =
                format!("unable to compile template for {KEY}: unable to parse template: template: {}", error.message);
            self.add(rules::BAD_FILTER, position, message, &server);
        } else if !text.contains(".key") {
            let message = format!("{KEY} gives the same path for every key: use .path and .key");
            self.add(
                rules::BAD_FILTER,
                position,
                message,
                &format!("{KEY} resulted in same path for two different keys"),
            );
        }
    }

    /// The strings of every list that stands under a key: the server appends them.
    fn strings(&mut self, body: &Body, key: &str, name: &str) -> Vec<(String, Position)> {
        let mut all = Vec::new();
        for item in items(body, key) {
            match decode::strings(item, name) {
                Ok(strings) => all.extend(strings),
                Err(wrong) => self.findings.push(wrong.finding(&self.decode_prefix(), self.json)),
            }
        }
        all
    }

    /// The string under a key; of several the last counts.
    fn last_string(&mut self, body: &Body, key: &str) -> Option<(String, Position)> {
        let name = if key == "policy" { "root.Policy".to_owned() } else { format!("root.{key}") };
        let mut last = None;
        for item in items(body, key) {
            match decode::string(&decode::value(item), &name) {
                Ok(text) => last = Some((text, item.value.position)),
                Err(wrong) => self.findings.push(wrong.finding(&self.decode_prefix(), self.json)),
            }
        }
        last
    }

    fn check<T>(&mut self, result: Result<T, decode::Wrong>) {
        if let Err(wrong) = result {
            self.findings.push(wrong.finding(&self.decode_prefix(), self.json));
        }
    }

    /// OpenBao 2.7 names the path twice before what its decoder says.
    fn decode_prefix(&self) -> String {
        format!("{0}{0}", self.prefix)
    }

    fn add(&mut self, rule: &'static rules::Rule, position: Position, message: String, server: &str) {
        let server = format!("failed to parse policy: {}{server}", self.prefix);
        self.findings.push(Finding::new(rule, position, message).refused(server));
    }
}

fn items<'a>(body: &'a Body, key: &str) -> impl Iterator<Item = &'a Item> {
    body.items.iter().filter(move |item| first(item) == key)
}

fn first(item: &Item) -> &str {
    item.keys.first().map_or("", |key| key.text.as_str())
}

fn is_known(key: &str, known: &[&str]) -> bool {
    key != "subscribe_event_types" && known.contains(&key)
}

/// `{{` and `}}` alternate, as the server's template check wants it.
fn balanced(path: &str) -> bool {
    let pieces: Vec<_> = path.split("{{").collect();
    let Some((head, rest)) = pieces.split_first() else { return true };
    !head.contains("}}") && rest.iter().all(|piece| piece.matches("}}").count() == 1)
}

/// The known word that differs least, if the difference is a slip.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
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
