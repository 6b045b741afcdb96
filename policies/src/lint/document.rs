//! JSON files that hold one object: roles of auth methods and of engines, connections.

use blinkchamber_hcl::{Body, Kind, Position, Value};

use super::text::{self, START, value_end};
use crate::policy;
use crate::rules::{Edit, Finding, Rule};

/// A JSON object with the places of its fields.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: String,
    /// The file's name without its extension.
    pub(super) name: String,
    pub(super) text: String,
    body: Body,
    /// Why it cannot be read.
    pub(super) error: Option<(Position, String)>,
}

/// A field's value and where its name stands.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) position: Position,
    pub(super) value: &'a Value,
}

impl Document {
    pub(super) fn parse(file: &str, text: &str) -> Self {
        let name = file.rsplit('/').next().unwrap_or(file);
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        let error = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).err().map(|error| {
            let offset: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let offset = (offset + error.column().saturating_sub(1)).min(text.len());
            (text::position(text, offset), error.to_string())
        });
        let body = if error.is_none() { blinkchamber_hcl::parse(text).unwrap_or_default() } else { Body::default() };
        Self { file: file.to_owned(), name, text: text.to_owned(), body, error }
    }

    /// A finding at a field, or at the start where there is none.
    pub(super) fn at(&self, rule: &'static Rule, field: &str, message: impl Into<String>) -> Finding {
        let position = self.field(field).map_or(START, |field| field.position);
        Finding::new(rule, position, message).about(field)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let fields = self.body.items.iter();
        fields.filter_map(|item| {
            let key = item.keys.first()?;
            Some(Field { name: &key.text, position: key.position, value: &item.value })
        })
    }

    pub(super) fn field(&self, name: &str) -> Option<Field<'_>> {
        self.fields().filter(|field| field.name == name).last()
    }

    /// The first of some fields that is there.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.field(name).is_some())
    }

    /// The strings of a list, or of a string with commas, and where they stand.
    pub(super) fn list(&self, name: &str) -> Vec<(String, Position)> {
        let Some(field) = self.field(name) else { return Vec::new() };
        match &field.value.kind {
            Kind::String(text) => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                words.map(|word| (word.to_owned(), field.value.position)).collect()
            }
            _ => super::model::strings(field.value),
        }
    }

    /// A string, empty when there is none.
    pub(super) fn string(&self, name: &str) -> String {
        match self.field(name).map(|field| &field.value.kind) {
            Some(Kind::String(text) | Kind::Number(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// Seconds of a duration; nothing when it is no duration or not there.
    pub(super) fn seconds(&self, name: &str) -> Option<u64> {
        let text = self.string(name);
        let seconds = if text.is_empty() { return None } else { policy::seconds(&text).ok()? };
        u64::try_from(seconds).ok()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.field(name).map(|field| &field.value.kind) {
            Some(Kind::Bool(flag)) => Some(*flag),
            Some(Kind::String(text)) => text.parse().ok(),
            _ => None,
        }
    }

    /// Another name of a field.
    pub(super) fn rename(&self, position: Position, name: &str) -> Option<Vec<Edit>> {
        self.replace(position, name)
    }

    /// Another string at a place.
    pub(super) fn replace(&self, position: Position, text: &str) -> Option<Vec<Edit>> {
        let range = position.offset..value_end(&self.text, position.offset);
        let quoted = self.text.get(range.clone()).is_some_and(|old| old.starts_with('"'));
        quoted.then(|| vec![Edit { range, text: serde_json::Value::from(text).to_string() }])
    }
}
