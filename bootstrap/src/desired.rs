//! What a server should look like: one file, strictly read. A misspelt key is an error, not a silent default.

mod pki;
mod rotation;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub(crate) use blinkchamber_hcl::duration::whole_seconds as seconds;
use serde::Deserialize;

use crate::Failure;

pub use pki::{Pki, PkiRole};
pub use rotation::{Kind, Rotation, Twin};

/// Everything the job brings about beside what the compiler derives from the workloads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Desired {
    /// Who owns the policies and roles: the release, by the same name at every run.
    pub owner: String,
    /// Mounts of KV version 2.
    #[serde(default)]
    pub kv: Vec<String>,
    /// The auth method that pods use.
    pub kubernetes: Kubernetes,
    /// First secrets: made when absent, never touched again.
    #[serde(default)]
    pub secrets: Vec<FirstSecret>,
    /// Mounts of the database engine.
    #[serde(default)]
    pub databases: Vec<Database>,
    /// The policy of whoever converges, which changes with the chart.
    #[serde(default)]
    pub own_policy: Option<OwnPolicy>,
    /// The authority of the platform's certificates.
    #[serde(default)]
    pub pki: Option<Pki>,
    /// Credentials that `rotate` can replace.
    #[serde(default)]
    pub rotations: Vec<Rotation>,
    /// Rules that no workload's templates call for: those of people.
    #[serde(default)]
    pub operators: Vec<Operator>,
}

/// A policy that is kept up to date by the one it is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OwnPolicy {
    /// Its name.
    pub name: String,
    /// HCL.
    pub text: String,
}

/// The Kubernetes auth method and what every role of it has in common.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Kubernetes {
    /// Where it is mounted below `auth/`.
    pub path: String,
    /// URL of the API server, as OpenBao reaches it.
    pub host: String,
    /// Audience that a token must be made for.
    pub audience: String,
    /// Life of a login, a Go duration.
    pub token_ttl: String,
    /// The longest a login can be renewed to, a Go duration.
    pub token_max_ttl: String,
}

/// A secret that must exist before anyone can use it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FirstSecret {
    /// KV v2 path, `<mount>/data/<name>`.
    pub path: String,
    /// Its keys, and what each begins with.
    pub keys: BTreeMap<String, FirstValue>,
}

/// How a first value is made: exactly one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FirstValue {
    /// Generated: characters of 5 random bits each.
    pub length: Option<usize>,
    /// The same as another, generated key of the secret.
    pub same_as: Option<String>,
    /// A fixed text that is no secret, such as a user's name.
    pub text: Option<String>,
}

/// A mount of the database engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Database {
    /// Where it is mounted.
    pub mount: String,
    /// The databases it makes users for.
    pub connections: Vec<Connection>,
}

/// One database and its administrator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Plugin, such as `postgresql-database-plugin`.
    pub plugin: String,
    /// URL with `{{username}}` and `{{password}}`.
    pub url: String,
    /// The administrator.
    pub username: String,
    /// Where the administrator's first password is; OpenBao replaces it at once and then is the only one to know it.
    pub first_password: PasswordReference,
    /// What may be asked for.
    #[serde(default)]
    pub roles: Vec<DatabaseRole>,
}

/// One key of one KV v2 secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasswordReference {
    /// `<mount>/data/<name>`.
    pub path: String,
    /// The key.
    pub key: String,
}

/// A kind of user that the database engine makes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DatabaseRole {
    /// `<mount>/creds/<name>` gives one.
    pub name: String,
    /// Statements that make a user.
    pub creation: Vec<String>,
    /// Statements that remove one; empty for the plugin's own.
    #[serde(default)]
    pub revocation: Vec<String>,
    /// Life of a lease, a Go duration of whole seconds.
    pub default_ttl: String,
    /// The longest a lease can be renewed to.
    pub max_ttl: String,
}

/// A person's or a pipeline's service account with a policy written by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operator {
    /// Name of the role.
    pub role: String,
    /// Who takes it.
    pub service_account: String,
    /// Where that service account lives.
    pub namespace: String,
    /// HCL.
    pub policy: String,
}

impl Desired {
    /// Reads and checks a file, and gives its text too.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with file, place and reason.
    pub fn read(path: &Path) -> Result<(Self, String), Failure> {
        let wrong = |why: String| Failure::Configuration(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Ok((Self::parse(&text).map_err(wrong)?, text))
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// Place and reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let desired: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        desired.check()?;
        Ok(desired)
    }

    fn check(&self) -> Result<(), String> {
        name("owner", &self.owner)?;
        each("kv", &self.kv, |mount, at| name(&at, mount))?;
        name("kubernetes.path", &self.kubernetes.path)?;
        duration("kubernetes.tokenTtl", &self.kubernetes.token_ttl)?;
        duration("kubernetes.tokenMaxTtl", &self.kubernetes.token_max_ttl)?;
        each("secrets", &self.secrets, |secret, at| {
            self.kv_path(&format!("{at}.path"), &secret.path)?;
            for (key, first) in &secret.keys {
                first.check(&format!("{at}.keys.{key}"), &secret.keys)?;
            }
            if secret.keys.is_empty() { Err(format!("{at}.keys: must name a key")) } else { Ok(()) }
        })?;
        each("databases", &self.databases, |database, at| {
            name(&format!("{at}.mount"), &database.mount)?;
            each(&format!("{at}.connections"), &database.connections, |connection, at| {
                self.check_connection(connection, &at)
            })
        })?;
        if let Some(pki) = &self.pki {
            pki.check("pki")?;
        }
        let mut names = BTreeSet::new();
        each("rotations", &self.rotations, |rotation, at| {
            self.kv_path(&format!("{at}.path"), &rotation.path)?;
            rotation.check(&at)
        })?;
        for rotation in &self.rotations {
            if !names.insert(&rotation.name) {
                return Err(format!("rotations: {:?} is there twice", rotation.name));
            }
        }
        each("operators", &self.operators, |operator, at| {
            name(&format!("{at}.role"), &operator.role)?;
            name(&format!("{at}.serviceAccount"), &operator.service_account)?;
            name(&format!("{at}.namespace"), &operator.namespace)
        })
    }

    fn check_connection(&self, connection: &Connection, at: &str) -> Result<(), String> {
        name(&format!("{at}.name"), &connection.name)?;
        if !connection.url.contains("{{username}}") || !connection.url.contains("{{password}}") {
            return Err(format!(
                "{at}.url: must contain {{{{username}}}} and {{{{password}}}}, never a password itself"
            ));
        }
        self.kv_path(&format!("{at}.firstPassword.path"), &connection.first_password.path)?;
        each(&format!("{at}.roles"), &connection.roles, |role, at| {
            name(&format!("{at}.name"), &role.name)?;
            duration(&format!("{at}.defaultTtl"), &role.default_ttl)?;
            duration(&format!("{at}.maxTtl"), &role.max_ttl)?;
            if seconds(&role.default_ttl) > seconds(&role.max_ttl) {
                return Err(format!(
                    "{at}.defaultTtl: {:?} is longer than maxTtl {:?}",
                    role.default_ttl, role.max_ttl
                ));
            }
            Ok(())
        })
    }

    /// `<mount>/data/<name>` of one of our mounts.
    fn kv_path(&self, at: &str, path: &str) -> Result<(), String> {
        let below = self.kv.iter().find_map(|mount| path.strip_prefix(mount.as_str())?.strip_prefix("/data/"));
        match below {
            Some(rest) if rest.split('/').all(|part| name(at, part).is_ok()) => Ok(()),
            _ => {
                Err(format!("{at}: {path:?}: must be <mount>/data/<name>, with a mount of kv ({})", self.kv.join(", ")))
            }
        }
    }
}

impl FirstValue {
    fn check(&self, at: &str, keys: &BTreeMap<String, Self>) -> Result<(), String> {
        match (self.length, &self.same_as, &self.text) {
            (Some(length), None, None) => length_in_range(&format!("{at}.length"), length),
            (None, Some(other), None) if keys.get(other).is_some_and(|other| other.length.is_some()) => Ok(()),
            (None, Some(other), None) => Err(format!("{at}.sameAs: {other:?}: must be a key with a length")),
            (None, None, Some(_)) => Ok(()),
            _ => Err(format!("{at}: must have exactly one of length, sameAs and text")),
        }
    }
}

/// Of a generated value, in characters.
fn length_in_range(at: &str, length: usize) -> Result<(), String> {
    if (16..=1024).contains(&length) { Ok(()) } else { Err(format!("{at}: {length}: must be 16 to 1024")) }
}

fn each<T>(at: &str, items: &[T], check: impl Fn(&T, String) -> Result<(), String>) -> Result<(), String> {
    items.iter().enumerate().try_for_each(|(index, item)| check(item, format!("{at}[{index}]")))
}

/// Names become parts of API paths: nothing in them may lead to another path.
fn name(at: &str, text: &str) -> Result<(), String> {
    let fine = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if !text.is_empty() && !text.starts_with('.') && text.chars().all(fine) {
        Ok(())
    } else {
        Err(format!("{at}: {text:?}: must be letters, digits, \"-\", \"_\" and \".\""))
    }
}

fn duration(at: &str, text: &str) -> Result<(), String> {
    match seconds(text) {
        Some(1..) => Ok(()),
        _ => Err(format!("{at}: {text:?}: must be whole seconds with a unit, such as 30s, 15m, 24h or 1h30m")),
    }
}

#[cfg(test)]
mod tests;
