//! A policy as rules of the linter see it: blocks with what was written, where, and what it comes to.

use std::collections::BTreeSet;
use std::ops::Range;

use blinkchamber_hcl::{Body, Item, Kind, Position, Value, is_json};

use super::pattern::Pattern;
use super::text::{self, START, value_end};
use crate::policy::{self, Capability, base64_body};
use crate::rules::{Edit, Finding, Related, Rule};

/// A policy's file.
#[derive(Debug)]
pub(super) struct PolicyFile {
    /// As it was given.
    pub(super) file: String,
    /// Name of the policy: the file's, without what stands behind the last dot.
    pub(super) name: String,
    pub(super) text: String,
    /// What the server reads: the text, or what it is the base64 of.
    pub(super) decoded: bool,
    pub(super) json: bool,
    /// Keys at the top.
    pub(super) top: Vec<(String, Position)>,
    pub(super) blocks: Vec<Block>,
    /// Why the server refuses it.
    pub(super) refusals: Vec<Finding>,
}

/// A path block.
#[derive(Debug)]
pub(super) struct Block {
    /// The path as written.
    pub(super) path: String,
    pub(super) pattern: Pattern,
    /// Of the path, or of the keyword when there is none.
    pub(super) position: Position,
    /// Bytes of the whole block.
    pub(super) range: Range<usize>,
    /// Labels behind the first, and where they stand.
    pub(super) extra_labels: Vec<Position>,
    pub(super) labelled: bool,
    pub(super) body: Body,
    /// Capabilities as written, `policy = "..."` not among them.
    pub(super) words: Vec<(String, Position)>,
    /// What it grants; `deny` stands alone.
    pub(super) granted: BTreeSet<Capability>,
    /// `deny` drops other capabilities.
    pub(super) deny_drops: bool,
    /// `expiration` is over: the server skips it.
    pub(super) expired: bool,
    /// The server refuses something in it.
    pub(super) broken: bool,
}

impl PolicyFile {
    pub(super) fn parse(file: &str, source: &str, now: i64) -> Self {
        let decoded = base64_body(source).filter(|_| !source.trim().is_empty());
        let text = decoded.clone().unwrap_or_else(|| source.to_owned());
        let (refusals, rules) = match policy::parse(source, now) {
            Ok(policy) => (Vec::new(), policy.rules),
            Err(findings) => (findings, Vec::new()),
        };
        let json = is_json(&text);
        let tree = blinkchamber_hcl::parse(&text).unwrap_or_default();
        let tree = if json { tree.flattened() } else { tree };
        let top = tree.items.iter().filter_map(|item| item.keys.first()).map(|key| (key.text.clone(), key.position));
        let top = top.collect();
        let mut blocks: Vec<_> = tree.items.into_iter().filter_map(|item| Block::of(item, &text)).collect();
        for (index, block) in blocks.iter_mut().enumerate() {
            block.broken = refusals.iter().any(|finding| block.range.contains(&finding.position.offset));
            if let Some(rule) = rules.get(index) {
                block.granted.clone_from(&rule.capabilities);
                (block.deny_drops, block.expired) = (rule.deny_drops, rule.expired);
            } else {
                block.guess();
            }
            if decoded.is_some() {
                block.position = START;
            }
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        let (file, decoded) = (file.to_owned(), decoded.is_some());
        Self { file, name, text, decoded, json, top, blocks, refusals }
    }

    /// Blocks that the server reads and that are not over.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.labelled && !block.broken && !block.expired)
    }

    /// A finding about a block.
    pub(super) fn about(&self, rule: &'static Rule, block: &Block, message: impl Into<String>) -> Finding {
        Finding::new(rule, block.position, message).about(block.path.clone())
    }

    /// A finding at a place in a block.
    pub(super) fn at(
        &self,
        rule: &'static Rule,
        block: &Block,
        position: Position,
        message: impl Into<String>,
    ) -> Finding {
        let position = if self.decoded { START } else { position };
        Finding::new(rule, position, message).about(block.path.clone())
    }

    /// A block as another place of a finding.
    pub(super) fn place(&self, block: &Block, message: impl Into<String>) -> Related {
        Related { file: self.file.clone(), position: block.position, message: message.into() }
    }

    /// True when bytes of the text may be changed: JSON has another grammar, and a decoded text is not the file's.
    fn is_editable(&self) -> bool {
        !self.decoded && !self.json
    }

    /// Another path in a block's head.
    pub(super) fn set_path(&self, block: &Block, path: &str) -> Option<Vec<Edit>> {
        let quoted = self.text.get(block.position.offset..).is_some_and(|rest| rest.starts_with('"'));
        (self.is_editable() && quoted).then(|| text::replace_string(&self.text, block.position.offset, path)).flatten()
    }

    /// A file without a block.
    pub(super) fn without(&self, block: &Block) -> Option<Vec<Edit>> {
        self.is_editable().then(|| text::remove(&self.text, block.range.clone()))
    }

    /// Other capabilities in a block that has exactly one list of them.
    pub(super) fn set_capabilities(&self, block: &Block, words: &[&str]) -> Option<Vec<Edit>> {
        let mut lists = block.items("capabilities");
        let (Some(list), None, true) = (lists.next(), lists.next(), self.is_editable()) else { return None };
        text::rewrite_list(&self.text, list.value.position.offset, words)
    }

    /// A block without some capabilities, where some are left.
    pub(super) fn without_capabilities(&self, block: &Block, gone: &BTreeSet<Capability>) -> Option<Vec<Edit>> {
        let left: Vec<_> = block.words.iter().map(|(word, _)| word.as_str()).collect();
        let left: Vec<_> = left.into_iter().filter(|word| !gone.iter().any(|gone| gone.word() == *word)).collect();
        if left.is_empty() { None } else { self.set_capabilities(block, &left) }
    }

    /// Another string at a place of a block.
    pub(super) fn set_string(&self, position: Position, new: &str) -> Option<Vec<Edit>> {
        self.is_editable().then(|| text::replace_string(&self.text, position.offset, new)).flatten()
    }

    /// Other bytes in a range.
    pub(super) fn set(&self, range: Range<usize>, new: impl Into<String>) -> Option<Vec<Edit>> {
        self.is_editable().then(|| vec![Edit { range, text: new.into() }])
    }

    /// Where the value at a place ends.
    pub(super) fn end(&self, position: Position) -> usize {
        value_end(&self.text, position.offset)
    }
}

impl Block {
    fn of(item: Item, text: &str) -> Option<Self> {
        let keyword = item.keys.first().filter(|key| key.text == "path")?.position;
        let label = item.keys.get(1);
        let path = label.map_or_else(|| "path".to_owned(), |key| key.text.clone());
        let end = value_end(text, item.value.position.offset);
        let (position, labelled) = (label.map_or(keyword, |key| key.position), label.is_some());
        let extra_labels = item.keys.iter().skip(2).map(|key| key.position).collect();
        let Kind::Object(body) = item.value.kind else { return None };
        let mut block = Self {
            pattern: Pattern::new(&path),
            path,
            position,
            range: keyword.offset.min(position.offset)..end,
            extra_labels,
            labelled,
            body,
            words: Vec::new(),
            granted: BTreeSet::new(),
            deny_drops: false,
            expired: false,
            broken: false,
        };
        block.words = block.items("capabilities").flat_map(|item| strings(&item.value)).collect();
        Some(block)
    }

    /// What it would grant, if the server took the rest of the file.
    fn guess(&mut self) {
        let written = self.words.iter().filter_map(|(word, _)| Capability::parse(word));
        self.granted = written.collect();
        if self.granted.contains(&Capability::Deny) {
            self.granted = BTreeSet::from([Capability::Deny]);
        }
    }

    /// The attributes of a name.
    pub(super) fn items<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Item> {
        self.body.items.iter().filter(move |item| item.keys.first().is_some_and(|key| key.text == name))
    }

    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        self.body.items.iter().rev().find(|item| item.keys.first().is_some_and(|key| key.text == name))
    }

    pub(super) fn denies(&self) -> bool {
        self.granted.contains(&Capability::Deny)
    }

    pub(super) fn grants(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }

    /// True when it grants one of some capabilities.
    pub(super) fn grants_any(&self, capabilities: &[Capability]) -> bool {
        capabilities.iter().any(|capability| self.granted.contains(capability))
    }

    /// True when the path has a template in it.
    pub(super) fn is_templated(&self) -> bool {
        self.path.contains("{{")
    }

    /// True when it limits what it grants.
    pub(super) fn is_constrained(&self) -> bool {
        const LIMITS: [&str; 9] = [
            "allowed_parameters",
            "control_group",
            "denied_parameters",
            "list_scan_response_keys_filter_path",
            "max_wrapping_ttl",
            "mfa_methods",
            "min_wrapping_ttl",
            "pagination_limit",
            "required_parameters",
        ];
        LIMITS.iter().any(|limit| self.item(limit).is_some())
    }

    /// The parameters of `allowed_parameters` or `denied_parameters`.
    pub(super) fn parameters(&self, name: &str) -> Vec<Parameter<'_>> {
        let mut found = Vec::new();
        for item in self.body.items.iter().filter(|item| item.keys.first().is_some_and(|key| key.text == name)) {
            let Kind::Object(body) = &item.value.kind else { continue };
            for item in &body.items {
                let (Some(key), Kind::List(values)) = (item.keys.first(), &item.value.kind) else { continue };
                found.push(Parameter { name: &key.text, position: key.position, list: item.value.position, values });
            }
        }
        found
    }
}

/// A parameter and the values that it may or may not have.
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) position: Position,
    /// Where the list of values stands.
    pub(super) list: Position,
    pub(super) values: &'a [Value],
}

/// The strings of a list and where they stand.
pub(super) fn strings(value: &Value) -> Vec<(String, Position)> {
    let Kind::List(list) = &value.kind else { return Vec::new() };
    let string = |value: &Value| match &value.kind {
        Kind::String(text) | Kind::Number(text) => Some((text.clone(), value.position)),
        _ => None,
    };
    list.iter().filter_map(string).collect()
}
