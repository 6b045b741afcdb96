//! Values of parameters against those that a rule lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Reason;
use crate::policy::{Constraints, Dialect, Parameter};

/// What a rule's conditions on parameters say about a request's data, or nothing when it passes.
pub(super) fn check(constraints: &Constraints, data: &Map<String, Value>, dialect: Dialect) -> Option<Reason> {
    // The names that a rule asks for are lower-cased, those of the request are not.
    if let Some(missing) = constraints.required.iter().find(|name| !data.contains_key(&name.to_lowercase())) {
        return Some(Reason::MissingParameter(missing.clone()));
    }
    if data.is_empty() {
        return None;
    }
    let normal = |name: &str, value: &Value| normalized(name, value, dialect);
    if let Some(denied) = denied(&constraints.denied, data, dialect, normal) {
        return Some(Reason::DeniedParameter(denied));
    }
    let allowed = &constraints.allowed;
    let others = allowed.contains_key("*");
    if allowed.is_empty() || (allowed.len() == 1 && others) {
        return None;
    }
    for (name, value) in data {
        match allowed.get(&name.to_lowercase()) {
            None if others => {}
            None => return Some(Reason::UnlistedParameter(name.clone())),
            Some(list) if list.is_empty() || allowed_value(&normal(name, value), list, dialect) => {}
            Some(_) => return Some(Reason::UnlistedValue(name.clone())),
        }
    }
    None
}

fn denied(
    denied: &BTreeMap<String, Vec<Parameter>>,
    data: &Map<String, Value>,
    dialect: Dialect,
    normal: impl Fn(&str, &Value) -> Value,
) -> Option<String> {
    if denied.contains_key("*") {
        return data.keys().next().cloned();
    }
    let hit = |(name, value): &(&String, &Value)| {
        denied.get(&name.to_lowercase()).is_some_and(|list| {
            let value = normal(name, value);
            list.is_empty() || listed(&value, list) || parts(&value, dialect).iter().any(|part| listed(part, list))
        })
    };
    data.iter().find(hit).map(|(name, _)| name.clone())
}

fn allowed_value(value: &Value, list: &[Parameter], dialect: Dialect) -> bool {
    if listed(value, list) {
        return true;
    }
    let splits = dialect == Dialect::Vault && (value.is_array() || value.is_string());
    splits && parts(value, dialect).iter().all(|part| listed(part, list))
}

/// Vault since 1.21 looks at the elements of a list, and at what stands between the commas of a text.
fn parts(value: &Value, dialect: Dialect) -> Vec<Value> {
    match value {
        _ if dialect == Dialect::OpenBao => Vec::new(),
        Value::Array(list) => list.clone(),
        Value::String(text) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| Value::String(part.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Vault compares names of policies as it stores them: in lower case.
fn normalized(name: &str, value: &Value, dialect: Dialect) -> Value {
    let named = matches!(name.to_lowercase().as_str(), "policies" | "token_policies");
    let lower = |value: &Value| match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other.clone(),
    };
    match value {
        Value::Array(list) if named && dialect == Dialect::Vault => Value::Array(list.iter().map(lower).collect()),
        other if named && dialect == Dialect::Vault => lower(other),
        other => other.clone(),
    }
}

fn listed(value: &Value, list: &[Parameter]) -> bool {
    list.iter().any(|wanted| match (wanted, value) {
        (Parameter::Text(wanted), Value::String(text)) => globbed(wanted, text),
        (wanted, value) => equal(wanted, value),
    })
}

fn equal(wanted: &Parameter, value: &Value) -> bool {
    match (wanted, value) {
        (Parameter::Text(wanted), Value::String(text)) => wanted == text,
        (Parameter::Bool(wanted), Value::Bool(value)) => wanted == value,
        (Parameter::List(wanted), Value::Array(list)) => {
            wanted.len() == list.len() && wanted.iter().zip(list).all(|(wanted, value)| equal(wanted, value))
        }
        _ => false,
    }
}

/// A `*` at either end stands for anything; alone it is a star.
fn globbed(wanted: &str, text: &str) -> bool {
    if wanted.len() < 2 {
        return wanted == text;
    }
    match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
        (Some(tail), Some(_)) => text.contains(tail.strip_suffix('*').unwrap_or(tail)),
        (Some(tail), None) => text.ends_with(tail),
        (None, Some(head)) => text.starts_with(head),
        (None, None) => wanted == text,
    }
}
