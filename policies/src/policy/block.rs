//! A path block: types first, then wildcards, capabilities and constraints, in the server's order.

use std::collections::BTreeSet;

use blinkchamber_hcl::{Body, Position, go_quote};
use blinkchamber_templates::{Options, Template};

use super::{Capability, Constraints, Dialect, PathRule, constraints, control_group, decode, duration, items, nearest};
use crate::rules::{self, Finding};

/// One path block while it is read.
pub(super) struct Block {
    pub(super) position: Position,
    pub(super) prefix: String,
    pub(super) dialect: Dialect,
    pub(super) json: bool,
    pub(super) findings: Vec<Finding>,
}

const FILTER: &str = "list_scan_response_keys_filter_path";

impl Block {
    pub(super) fn rule(&mut self, body: &Body, path: String, labels: usize, now: i64) -> PathRule {
        let groups: Vec<_> =
            items(body, "control_group").filter_map(|item| control_group::check(&item.value).err()).collect();
        if let Some((position, _)) = groups.first() {
            let lines: Vec<_> = groups.iter().flat_map(|(_, lines)| lines).cloned().collect();
            let message = lines.join("; ").trim_end().replace("\n\t* ", " ").replace('\n', " ");
            let server = format!("error handling control_group: {}", decode::errors(&lines));
            self.add(rules::BAD_CONTROL_GROUP, *position, message, &server);
        }
        let old = self.last_string(body, "policy");
        let words = self.strings(body, "capabilities", "root.Capabilities");
        let expiration = self.last_string(body, "expiration");
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
        let filter = self.last_string(body, FILTER);
        let expired = self.expiration(expiration, now);
        let mut rule = PathRule {
            path,
            position: self.position,
            labels,
            capabilities: BTreeSet::new(),
            deny_drops: false,
            expired,
            constraints: Constraints::default(),
        };
        if expired {
            return rule;
        }
        if rule.path.trim_start_matches('/').contains("+*") {
            let message = format!("+* in {:?}: a star behind a plus is refused", rule.path);
            let shown = go_quote(rule.path.strip_prefix('/').unwrap_or(&rule.path));
            let server =
                format!("{}invalid use of wildcards ('+*' is forbidden)", self.again(&format!("path {shown}: ")));
            self.add(rules::PLUS_STAR, self.position, message, &server);
        }
        self.capabilities(&mut rule, old, words);
        if !rule.capabilities.contains(&Capability::Deny) {
            self.constraints(body, filter, &rule);
            rule.constraints = constraints::read(body);
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
                    let server = format!("{}invalid policy {}", self.inner_prefix(), go_quote(&old));
                    self.add(rules::INVALID_OLD_POLICY, position, message, &server);
                }
            }
        }
        if denied {
            rule.deny_drops = !words.is_empty();
        }
        let total = words.len();
        for (word, position) in if denied { Vec::new() } else { words } {
            match Capability::parse_for(self.dialect, &word) {
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
        let other = if self.dialect == Dialect::OpenBao { Dialect::Vault } else { Dialect::OpenBao };
        let (rule, message) = if Capability::parse_for(other, word).is_some() {
            let other = if other == Dialect::Vault { "Vault" } else { "OpenBao" };
            (rules::CAPABILITY_NOT_IN_DIALECT, format!("only {other} knows the capability {word:?}"))
        } else {
            (rules::INVALID_CAPABILITY, format!("{word:?} is no capability"))
        };
        let server = format!("{}invalid capability {}", self.inner_prefix(), go_quote(word));
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
    fn constraints(&mut self, body: &Body, filter: Option<(String, Position)>, rule: &PathRule) {
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
        self.list_filter(filter, rule);
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

    fn expiration(&mut self, given: Option<(String, Position)>, now: i64) -> bool {
        let Some((text, position)) = given else { return false };
        match duration::instant(&text) {
            Ok(seconds) => seconds.is_some_and(|seconds| seconds < now),
            Err(reason) => {
                let message =
                    "expiration takes a time such as \"2030-01-02T15:04:05Z\" or seconds since 1970".to_owned();
                let server = format!("{}invalid expiration time: {reason}", self.inner_prefix());
                self.add(rules::BAD_LIMIT, position, message, &server);
                false
            }
        }
    }

    fn list_filter(&mut self, given: Option<(String, Position)>, rule: &PathRule) {
        const KEY: &str = FILTER;
        let Some((text, position)) = given.filter(|(text, _)| !text.is_empty()) else { return };
        if !rule.capabilities.contains(&Capability::List) {
            let message = format!("{KEY} needs the capability list in the same block");
            let server = format!("{KEY} needs to be used on a path with the list capability");
            self.add(rules::BAD_FILTER, position, message, &server);
        } else if let Err(error) = Template::compile(&text, &Options::default())
            && !error.message.contains("function")
        {
            let message = format!("{KEY} is no template: {}", error.message);
            let server = format!(
                "unable to compile template for {KEY}: unable to parse template: template: template:{}: {}",
                error.line, error.message
            );
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
        format!("{}{}", self.prefix, self.inner_prefix())
    }

    /// What OpenBao 2.7 says a second time, and Vault once.
    fn inner_prefix(&self) -> &str {
        self.again(&self.prefix)
    }

    fn again<'a>(&self, prefix: &'a str) -> &'a str {
        if self.dialect == Dialect::OpenBao { prefix } else { "" }
    }

    pub(super) fn add(&mut self, rule: &'static rules::Rule, position: Position, message: String, server: &str) {
        let server = format!("failed to parse policy: {}{server}", self.prefix);
        self.findings.push(Finding::new(rule, position, message).refused(server));
    }
}
