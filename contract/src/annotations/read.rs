//! From a pod's annotations to the rows of the table.

use std::collections::BTreeMap;

use serde_json::Value;

use super::values::{Kind, boolean, reload_actions};
use super::{Entry, PREFIXES, Status, find, nearest, strip};

/// What is wrong with a pod, and what its user should know.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    /// The pod is refused for each of these.
    pub problems: Vec<String>,
    /// The pod is admitted with these.
    pub warnings: Vec<String>,
}

impl Findings {
    /// Notes a reason to refuse the pod.
    pub fn refuse(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Notes something the user should know.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

/// One annotation as it was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Given<'a> {
    /// Its key, with the prefix unless it is one of the injector's defaults.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
}

impl Given<'_> {
    /// Key and value as a refusal names them; a long value is cut.
    #[must_use]
    pub fn shown(&self) -> String {
        const MOST: usize = 80;
        let kind = if strip(self.key).is_some() { "annotation" } else { "the injector's default" };
        let mut value: String = self.value.chars().take(MOST).collect();
        if value.len() < self.value.len() {
            value.push_str("...");
        }
        format!("{kind} {}: {value:?}", self.key)
    }
}

/// The annotations of a pod that are in the table, whatever their prefix.
#[derive(Debug, Default)]
pub struct Annotations<'a> {
    /// At most one for each row of the table, so few that looking at each is the fastest way to find one.
    singles: Vec<(&'static Entry, Given<'a>)>,
    /// Of families, by row and the rest of the name; as many as the pod likes.
    members: BTreeMap<(&'static str, &'a str), (&'static Entry, Given<'a>)>,
}

impl<'a> Annotations<'a> {
    /// Reads `metadata.annotations` over the injector's defaults (by name without prefix).
    pub fn read(
        annotations: Option<&'a Value>,
        defaults: &'a BTreeMap<String, String>,
        findings: &mut Findings,
    ) -> Self {
        let mut all = Self::default();
        for (name, value) in defaults {
            if let Some((entry, member)) = find(name) {
                all.insert(entry, member, Given { key: name.as_str(), value: value.as_str() });
            }
        }
        // Ranks are walked from the weakest to the strongest, so that a stronger prefix overwrites.
        for prefix in PREFIXES.iter().rev() {
            for (key, value) in annotations.and_then(Value::as_object).into_iter().flatten() {
                let Some(suffix) = key.strip_prefix(prefix) else { continue };
                let Some(value) = value.as_str() else {
                    findings.refuse(format!("annotation {key} is not a text: expected a quoted value"));
                    continue;
                };
                let Some((entry, member)) = find(suffix) else {
                    findings.warn(unknown(key, prefix, suffix));
                    continue;
                };
                let given = Given { key: key.as_str(), value };
                if let Some(weaker) = all.insert(entry, member, given)
                    && strip(weaker.key).is_some()
                    && weaker.value != value
                {
                    findings.warn(format!("annotation {} is not used: {key} says something else and wins", weaker.key));
                }
            }
        }
        all.singles.sort_by_key(|(entry, _)| entry.name);
        all
    }

    /// Takes what stood there before out.
    fn insert(&mut self, entry: &'static Entry, member: &'a str, given: Given<'a>) -> Option<Given<'a>> {
        if entry.family {
            return self.members.insert((entry.name, member), (entry, given)).map(|(_, weaker)| weaker);
        }
        match self.singles.iter_mut().find(|(single, _)| single.name == entry.name) {
            Some((_, single)) => Some(std::mem::replace(single, given)),
            None => {
                self.singles.push((entry, given));
                None
            }
        }
    }

    /// Checks every value by its row: what is not accepted, not available yet or without effect.
    pub fn check(&self, findings: &mut Findings) {
        let singles = self.singles.iter().map(|(entry, given)| ("", *entry, given));
        let members = self.members.iter().map(|((_, member), (entry, given))| (*member, *entry, given));
        for (member, entry, given) in singles.chain(members) {
            if !entry.kind.accepts(given.value) {
                findings.refuse(rejected(given, entry.kind));
                continue;
            }
            match entry.status {
                Status::Later(reason) if asks_for_something(entry, member, given.value) => {
                    findings.refuse(format!("{} is not supported yet: {reason}", given.shown()));
                }
                Status::NoEffect(reason) if asks_for_something(entry, member, given.value) => {
                    findings.warn(format!("annotation {} has no effect: {reason}", given.key));
                }
                _ => {}
            }
        }
    }

    /// A single annotation as it was given.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<Given<'a>> {
        debug_assert!(super::entries().any(|entry| !entry.family && entry.name == name), "{name} is not in the table");
        self.singles.iter().find(|(entry, _)| entry.name == name).map(|(_, given)| *given)
    }

    /// A member of a family as it was given.
    #[must_use]
    pub fn member(&self, family: &str, member: &str) -> Option<Given<'a>> {
        debug_assert!(
            super::entries().any(|entry| entry.family && entry.name == family),
            "{family} is not in the table"
        );
        let members: &BTreeMap<(&str, &str), _> = &self.members;
        members.get(&(family, member)).map(|(_, given)| *given)
    }

    /// The text of a single annotation, unless it is empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.given(name).map(|given| given.value).filter(|value| !value.is_empty())
    }

    /// The text of a member of a family, unless it is empty.
    #[must_use]
    pub fn text_of(&self, family: &str, member: &str) -> Option<&'a str> {
        self.member(family, member).map(|given| given.value).filter(|value| !value.is_empty())
    }

    /// A single annotation read by `parse`; `None` where it is not set or not accepted (which `check` reports).
    pub fn parsed<T>(&self, name: &str, parse: impl Fn(&'a str) -> Option<T>) -> Option<T> {
        self.text(name).and_then(parse)
    }

    /// A boolean, or `default` where it is not set; the empty text is false.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.given(name).map_or(default, |given| boolean(given.value).unwrap_or(default))
    }

    /// The members of a family, in the order of their names.
    pub fn members(&self, family: &'static str) -> impl Iterator<Item = (&'a str, Given<'a>)> {
        self.members
            .range((family, "")..)
            .take_while(move |((name, _), _)| *name == family)
            .map(|((_, member), (_, given))| (*member, *given))
    }

    /// Every annotation whose name ends with the name of a secret.
    pub fn of_secrets(&self) -> impl Iterator<Item = (&'a str, Given<'a>)> {
        self.members
            .iter()
            .filter(|((name, _), _)| !matches!(*name, "auth-config" | "agent-telemetry"))
            .map(|((_, member), (_, given))| (*member, *given))
    }
}

/// Says what a value should have been; for reload actions also where it is wrong.
fn rejected(given: &Given<'_>, kind: Kind) -> String {
    let detail = match kind {
        Kind::Actions => reload_actions(given.value).err().map(|error| format!(" ({error})")).unwrap_or_default(),
        _ => String::new(),
    };
    format!("{} is not accepted{detail}: expected {}", given.shown(), kind.expected())
}

/// Setting a switch to false, or anything to nothing, asks for nothing; a family's member always asks.
fn asks_for_something(entry: &Entry, member: &str, value: &str) -> bool {
    match entry.kind {
        Kind::Bool => boolean(value) == Some(true),
        _ => !value.is_empty() || !member.is_empty(),
    }
}

fn unknown(key: &str, prefix: &str, suffix: &str) -> String {
    let bare = suffix.trim_end_matches('-');
    if super::entries().any(|entry| entry.family && entry.name == bare) {
        return format!("annotation {key} is ignored: it needs a name, as in {prefix}{bare}-<name>");
    }
    match nearest::nearest(suffix) {
        Some(name) => format!("annotation {key} is unknown and ignored: did you mean {prefix}{name}?"),
        None => format!("annotation {key} is unknown and ignored"),
    }
}
