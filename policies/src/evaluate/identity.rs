//! Templates in paths: `{{identity.entity.name}}` and what else the server fills in.

use std::collections::BTreeMap;

use blinkchamber_hcl::duration;
use serde::Deserialize;

use super::{Context, Source};
use crate::policy::Dialect;

/// Who a token belongs to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The entity; a token made without a login has none.
    pub entity: Option<Entity>,
    /// The groups it is a member of, also by way of other groups.
    #[serde(default)]
    pub groups: Vec<Group>,
}

/// An entity.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its logins.
    #[serde(default)]
    pub aliases: Vec<Alias>,
}

/// The login of an entity at an auth mount.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The accessor of the mount.
    pub accessor: String,
    /// Its id.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// What the login told.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// What an operator wrote.
    #[serde(default)]
    pub custom_metadata: BTreeMap<String, String>,
}

/// A group.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Why the server refuses a token whose policies it fills in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A value that would widen the path.
    #[error("template substitution contains forbidden value: \"{0}\"")]
    Forbidden(char),
    /// Values that make the path one that no policy may hold.
    #[error("invalid use of wildcards ('+*' is forbidden)")]
    Wildcards,
}

/// Fills in a path; `None` when a template gives no value, and the block does not count.
pub(super) fn expand(path: &str, context: Context<'_>, source: &Source<'_>) -> Result<Option<String>, IdentityError> {
    let Some((head, mut rest)) = path.split_once("{{").filter(|_| !context.as_written) else {
        return Ok(Some(path.to_owned()));
    };
    let mut out = head.to_owned();
    loop {
        let Some((selector, behind)) = rest.split_once("}}") else { return Ok(None) };
        let Some(value) = resolve(selector.trim(), context) else { return Ok(None) };
        if let Some(found) = forbidden(&value, context.dialect, source) {
            return Err(IdentityError::Forbidden(found));
        }
        out.push_str(&value);
        match behind.split_once("{{") {
            Some((literal, next)) => {
                out.push_str(literal);
                rest = next;
            }
            None => {
                out.push_str(behind);
                return Ok(Some(out));
            }
        }
    }
}

/// Vault lets a slash pass unless a server option says otherwise.
fn forbidden(value: &str, dialect: Dialect, source: &Source<'_>) -> Option<char> {
    let wildcards: &[char] = if source.wildcards_in_templates { &[] } else { &['*', '+'] };
    let slashes: &[char] = if source.slashes_in_templates || dialect == Dialect::Vault { &[] } else { &['/'] };
    wildcards.iter().chain(slashes).copied().find(|forbidden| value.contains(*forbidden))
}

fn resolve(selector: &str, context: Context<'_>) -> Option<String> {
    if let Some(time) = selector.strip_prefix("time.") {
        return instant(time, context.now);
    }
    let identity = context.identity?;
    if let Some(selector) = selector.strip_prefix("identity.entity.") {
        let entity = identity.entity.as_ref()?;
        let Some(alias) = selector.strip_prefix("aliases.") else {
            return field(selector, &entity.id, &entity.name, &[("metadata.", &entity.metadata)]);
        };
        let (accessor, selector) = alias.split_once('.')?;
        let alias = entity.aliases.iter().find(|alias| alias.accessor == accessor)?;
        let maps = [("metadata.", &alias.metadata), ("custom_metadata.", &alias.custom_metadata)];
        return field(selector, &alias.id, &alias.name, &maps);
    }
    let selector = selector.strip_prefix("identity.groups.")?;
    let (by, selector) = selector.split_once('.')?;
    let (wanted, selector) = selector.split_once('.')?;
    let group = identity.groups.iter().find(|group| match by {
        "ids" => group.id == wanted,
        "names" => group.name == wanted,
        _ => false,
    })?;
    field(selector, &group.id, &group.name, &[("metadata.", &group.metadata)])
}

/// An empty id or name is none; an empty entry of a map is one.
fn field(selector: &str, id: &str, name: &str, maps: &[(&str, &BTreeMap<String, String>)]) -> Option<String> {
    match selector {
        "id" => Some(id.to_owned()).filter(|id| !id.is_empty()),
        "name" => Some(name.to_owned()).filter(|name| !name.is_empty()),
        _ => maps.iter().find_map(|(prefix, map)| map.get(selector.strip_prefix(prefix)?).cloned()),
    }
}

fn instant(selector: &str, now: i64) -> Option<String> {
    let shift = match selector.strip_prefix("now")? {
        "" => 0,
        shift => {
            let (sign, text) = match shift.strip_prefix(".plus.") {
                Some(text) => (1, text),
                None => (-1, shift.strip_prefix(".minus.")?),
            };
            sign * (duration::parse(text, duration::Dialect::Server).ok()? / duration::SECOND)
        }
    };
    Some((i128::from(now) + shift).to_string())
}
