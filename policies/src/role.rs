//! Roles of the Kubernetes auth method: what is written, and what the server gives back for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// A role that binds one service account to policies.
///
/// Only what the compiler decides is a field; everything else the server knows is written with its default, because an
/// update leaves alone what it does not name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Mount of the auth method, such as `auth/kubernetes`.
    pub auth_path: String,
    /// Service accounts.
    pub bound_service_account_names: BTreeSet<String>,
    /// Their namespaces.
    pub bound_service_account_namespaces: BTreeSet<String>,
    /// Audience that the service account's token must carry; empty for any.
    pub audience: String,
    /// Policies of the tokens.
    pub token_policies: BTreeSet<String>,
    /// Life of a token in seconds.
    pub token_ttl: u64,
    /// Longest life of a token in seconds, renewals included.
    pub token_max_ttl: u64,
}

/// A field of a role whose value on the server is another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldChange {
    /// Name of the field.
    pub field: String,
    /// What the server has, as JSON.
    pub before: Value,
    /// What is wanted, as JSON.
    pub after: Value,
}

impl Role {
    /// The complete body of the write.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "alias_name_source": "serviceaccount_uid",
            "audience": self.audience,
            "bound_service_account_names": self.bound_service_account_names,
            "bound_service_account_namespace_selector": "",
            "bound_service_account_namespaces": self.bound_service_account_namespaces,
            "token_bound_cidrs": [],
            "token_explicit_max_ttl": 0,
            "token_max_ttl": self.token_max_ttl,
            "token_no_default_policy": false,
            "token_num_uses": 0,
            "token_period": 0,
            "token_policies": self.token_policies,
            "token_strictly_bind_ip": false,
            "token_ttl": self.token_ttl,
            "token_type": "default",
        })
    }

    /// Fields in which the server's role is another, in the order of their names.
    ///
    /// The server leaves empty fields out, keeps lists in the order in which they came, and knows fields that this role
    /// has no opinion on.
    #[must_use]
    pub fn changes(&self, server: &Map<String, Value>) -> Vec<FieldChange> {
        let Value::Object(wanted) = self.body() else { return Vec::new() };
        let different = wanted.into_iter().filter_map(|(field, after)| {
            let before = server.get(&field).cloned().unwrap_or(Value::Null);
            (normal(&before) != normal(&after)).then_some(FieldChange { field, before, after })
        });
        different.collect()
    }
}

/// Policies that a role on the server gives to its tokens.
pub(crate) fn policies_of(server: &Map<String, Value>) -> BTreeSet<String> {
    let names = server.get("token_policies").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase).collect()
}

/// What means the same to the server, in one form: lists are sets, empty is absent.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let set: BTreeSet<_> = list.iter().map(Value::to_string).collect();
            if set.is_empty() { Value::Null } else { json!(set) }
        }
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Bool(false) => Value::Null,
        Value::Number(number) if number.as_u64() == Some(0) => Value::Null,
        other => other.clone(),
    }
}
