//! What a path block asks of a request beyond the capability.

use std::collections::BTreeMap;

use blinkchamber_hcl::{Body, Item, Kind, Value};

use super::{decode, duration, items};

/// Conditions of a rule, as the server keeps them. A rule that denies has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// Nanoseconds that a wrapping TTL must have at least; 0 and less: no condition.
    pub min_wrapping_ttl: i128,
    /// Nanoseconds that a wrapping TTL may have at most; 0 and less: no condition.
    pub max_wrapping_ttl: i128,
    /// Parameters that may be given, by lower-case name; without values any value. Empty: no condition.
    pub allowed: BTreeMap<String, Vec<Parameter>>,
    /// Parameters that must not be given, by lower-case name; without values not at all.
    pub denied: BTreeMap<String, Vec<Parameter>>,
    /// Parameters that must be given.
    pub required: Vec<String>,
    /// Login MFA methods.
    pub mfa_methods: Vec<String>,
    /// Entries of a page of a list; 0 and less: no condition.
    pub pagination_limit: i64,
    /// The template that filters the keys of a list.
    pub list_filter: Option<String>,
    /// A control group must approve.
    pub control_group: bool,
}

/// A value that a parameter is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// Compared as text, with `*` at its ends as a wildcard.
    Text(String),
    /// Equal to the same boolean only.
    Bool(bool),
    /// Equal to the same list only.
    List(Vec<Self>),
    /// A number, an object or null: no request ever holds an equal one, because the server reads them as other types.
    Never,
}

/// Reads the conditions of a block that the checks have let pass.
pub(super) fn read(body: &Body) -> Constraints {
    let mut constraints = Constraints::default();
    for item in items(body, "min_wrapping_ttl") {
        constraints.min_wrapping_ttl = duration::parse(&item.value).unwrap_or_default();
    }
    for item in items(body, "max_wrapping_ttl") {
        constraints.max_wrapping_ttl = duration::parse(&item.value).unwrap_or_default();
    }
    for item in items(body, "allowed_parameters") {
        parameters(item, &mut constraints.allowed);
    }
    for item in items(body, "denied_parameters") {
        parameters(item, &mut constraints.denied);
    }
    for item in items(body, "required_parameters") {
        constraints.required.extend(strings(item));
    }
    for item in items(body, "mfa_methods") {
        constraints.mfa_methods.extend(strings(item));
    }
    for item in items(body, "pagination_limit") {
        constraints.pagination_limit = decode::integer(&item.value, "").unwrap_or_default();
    }
    for item in items(body, "list_scan_response_keys_filter_path") {
        constraints.list_filter = decode::string(&item.value, "").ok().filter(|text| !text.is_empty());
    }
    constraints.control_group = items(body, "control_group").next().is_some();
    constraints
}

fn strings(item: &Item) -> impl Iterator<Item = String> {
    decode::strings(item, "").unwrap_or_default().into_iter().map(|(text, _)| text)
}

fn parameters(item: &Item, into: &mut BTreeMap<String, Vec<Parameter>>) {
    let Kind::Object(body) = &item.value.kind else { return };
    for item in &body.items {
        let Some(key) = item.keys.first() else { continue };
        let values = into.entry(key.text.to_lowercase()).or_default();
        if let Kind::List(list) = &item.value.kind {
            values.extend(list.iter().map(parameter));
        }
    }
}

fn parameter(value: &Value) -> Parameter {
    match &value.kind {
        Kind::String(text) => Parameter::Text(text.clone()),
        Kind::Bool(value) => Parameter::Bool(*value),
        Kind::List(list) => Parameter::List(list.iter().map(parameter).collect()),
        Kind::Number(_) | Kind::Null | Kind::Object(_) => Parameter::Never,
    }
}
