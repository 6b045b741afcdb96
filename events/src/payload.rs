//! Which fields of a payload leave ZITADEL: those on a list, and never a code, a hash, a token's id or a secret.
//!
//! What is passed on is a text, a number, a truth value or a list of these. Encrypted values are objects in ZITADEL's
//! payloads, so not even a field with a harmless name can carry one out.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::classify::Glob;

#[cfg(test)]
mod tests;

/// Parts of names that no list may hold, in lower case.
const NEVER: [&str; 10] =
    ["secret", "password", "hash", "code", "token", "privatekey", "signingkey", "otp", "verifier", "challenge"];

/// The name of a field at the top of a payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Field(String);

impl Field {
    /// # Errors
    /// Why it may not be published.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let lower = name.to_lowercase();
        match NEVER.iter().find(|part| lower.contains(*part)) {
            _ if name.is_empty() => Err("a field must have a name".into()),
            Some(part) => Err(format!("field {name:?}: names with {part:?} are never published")),
            None => Ok(Self(name.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Types, and what of their payload is published.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowance {
    types: Vec<Glob>,
    fields: Vec<Field>,
}

/// The whole list. Rows add up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AllowList(Vec<Allowance>);

impl AllowList {
    pub(crate) fn new(rows: Vec<Allowance>) -> Self {
        Self(rows)
    }

    /// What is left of a payload; a payload that is no object leaves nothing.
    pub(crate) fn filter(&self, kind: &str, payload: Value) -> Map<String, Value> {
        let Value::Object(mut members) = payload else { return Map::new() };
        let rows = self.0.iter().filter(|row| row.types.iter().any(|glob| glob.matches(kind)));
        let mut left = Map::new();
        for Field(name) in rows.flat_map(|row| &row.fields) {
            if let Some((name, value)) = members.remove_entry(name).filter(|(_, value)| is_plain(value)) {
                left.insert(name, value);
            }
        }
        left
    }
}

/// Names of things and who did what to whom; neither addresses nor names of people.
impl Default for AllowList {
    fn default() -> Self {
        const ROWS: [(&[&str], &[&str]); 11] = [
            (&["session.*"], &["userID", "userResourceOwner", "checkedAt", "preferredLanguage", "lifetime"]),
            (
                &["oidc_session.*", "saml_session.*"],
                &[
                    "userID",
                    "userResourceOwner",
                    "sessionID",
                    "clientID",
                    "audience",
                    "scope",
                    "authMethods",
                    "authTime",
                    "reason",
                ],
            ),
            (&["auth_request.*"], &["login_client", "client_id", "scope"]),
            (&["user.token.*", "user.pat.*"], &["applicationId", "audience", "scopes", "expiration"]),
            (&["user.machine.key.*"], &["type", "expirationDate"]),
            (&["user.grant.*"], &["userId", "projectId", "grantId", "roleKeys"]),
            (&["user.*.added", "user.*.selfregistered", "user.*.changed"], &["userName", "preferredLanguage"]),
            (&["user.impersonated"], &["applicationId"]),
            (&["org.*", "instance.*"], &["name", "domain", "userId", "roles"]),
            (
                &["project.*"],
                &[
                    "name",
                    "appId",
                    "clientId",
                    "projectId",
                    "grantId",
                    "grantedOrgId",
                    "roleKeys",
                    "userId",
                    "roles",
                    "displayName",
                    "group",
                ],
            ),
            (&["target.*", "action.*"], &["name", "targetType", "timeout"]),
        ];
        let globs = |texts: &[&str]| texts.iter().filter_map(|text| Glob::parse(text).ok()).collect();
        let fields = |names: &[&str]| names.iter().filter_map(|name| Field::parse(name).ok()).collect();
        Self(ROWS.iter().map(|(types, names)| Allowance { types: globs(types), fields: fields(names) }).collect())
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.iter().all(|each| !each.is_array() && !each.is_object()),
        Value::Object(_) => false,
        _ => true,
    }
}
