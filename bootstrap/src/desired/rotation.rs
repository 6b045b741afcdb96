//! Credentials that can be replaced while they are in use.

use serde::Deserialize;

use super::{duration, length_in_range, name};

/// One credential and the way to replace it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rotation {
    /// What people call it.
    pub name: String,
    /// KV v2 path, `<mount>/data/<name>`.
    pub path: String,
    /// How.
    #[serde(flatten)]
    pub kind: Kind,
    /// Characters of a new value.
    #[serde(default = "forty")]
    pub length: usize,
    /// Time that every server needs to learn a new value, a Go duration: nobody is told to use it before.
    #[serde(default = "ten_seconds")]
    pub settle: String,
    /// Time for which a replaced value is still taken, a Go duration.
    #[serde(default = "a_minute")]
    pub grace: String,
}

/// How a credential is replaced.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The key gets a new value. For what is used by nobody but the servers themselves.
    InPlace {
        /// The key.
        key: String,
    },
    /// Servers take both `<key>` and `<key>-previous`; clients use `<key>`. The new value is first the other one, then
    /// the two change places, and after the grace the replaced one goes.
    Overlap {
        /// The key.
        key: String,
    },
    /// Two users take turns: `username` and `password` name the one in use. The idle one gets a new password, then it
    /// is the one in use, and after the grace the replaced one's password becomes one that nobody knows.
    Twins {
        /// The two keys, each with its user's name.
        users: [Twin; 2],
    },
}

/// One of two users.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// Key of its password.
    pub key: String,
    /// Its name.
    pub username: String,
}

impl Kind {
    /// The word of the file.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::InPlace { .. } => "in place",
            Self::Overlap { .. } => "overlap",
            Self::Twins { .. } => "twins",
        }
    }
}

impl Rotation {
    pub(super) fn check(&self, at: &str) -> Result<(), String> {
        name(&format!("{at}.name"), &self.name)?;
        length_in_range(&format!("{at}.length"), self.length)?;
        duration(&format!("{at}.settle"), &self.settle)?;
        duration(&format!("{at}.grace"), &self.grace)?;
        match &self.kind {
            Kind::InPlace { key } | Kind::Overlap { key } => name(&format!("{at}.key"), key),
            Kind::Twins { users: [one, other] } if one.key != other.key && one.username != other.username => Ok(()),
            Kind::Twins { .. } => Err(format!("{at}.twins.users: must be two keys of two users")),
        }
    }
}

fn forty() -> usize {
    40
}

fn ten_seconds() -> String {
    "10s".to_owned()
}

fn a_minute() -> String {
    "1m".to_owned()
}
