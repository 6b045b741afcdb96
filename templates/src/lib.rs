//! Go templates as Vault Agent renders them, as a function of a snapshot.
//!
//! `compile` once, `render` against a [`Snapshot`]: the answer is either the bytes, or what is still missing.

use std::collections::{BTreeMap, BTreeSet};

/// Something a template needs from outside.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Dependency {
    /// `file "path"`.
    File {
        /// Path on the agent's file system.
        path: String,
    },
    /// `secrets "path"`.
    List {
        /// Path as written, trimmed of spaces and slashes.
        path: String,
    },
    /// `pkiCert "path" "k=v"...`.
    PkiCert {
        /// Path as written, trimmed.
        path: String,
        /// Request body.
        data: BTreeMap<String, String>,
    },
    /// `secret "path"`.
    Read {
        /// Path as written, trimmed; may carry `?version=N`.
        path: String,
    },
    /// `secret "path" "k=v"...`.
    Write {
        /// Path as written, trimmed.
        path: String,
        /// Request body.
        data: BTreeMap<String, String>,
    },
}

/// The outside world at one moment: answers, environment, time.
#[derive(Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// What is known. An answer is shared, not copied, by every template that uses it.
    pub answers: BTreeMap<Dependency, std::sync::Arc<Answer>>,
    /// Environment for `env` and its family.
    pub environment: BTreeMap<String, String>,
    /// Seconds and nanoseconds since 1970 for `timestamp`.
    pub now: (i64, u32),
}

/// What a dependency turned out to be. Holds secrets: no `Debug`, no `Serialize`.
#[non_exhaustive]
pub enum Answer {
    /// Contents of a file.
    File(String),
    /// Sorted keys.
    List(Vec<String>),
    /// A secret: the whole response (`request_id`, `lease_id`, `data`, `auth`, `warnings`, ...).
    Secret(serde_json::Value),
}

/// What rendering gave.
#[non_exhaustive]
pub enum Rendered {
    /// Everything was there.
    Complete {
        /// The file's bytes.
        output: String,
        /// What the template looked at.
        used: BTreeSet<Dependency>,
        /// Files that `writeToFile` asked for, in order, to be written by the caller.
        writes: Vec<FileWrite>,
    },
    /// These must be fetched first.
    Incomplete {
        /// What is not in the snapshot.
        missing: BTreeSet<Dependency>,
        /// What the template looked at, missing ones included.
        used: BTreeSet<Dependency>,
    },
}

/// One `writeToFile`.
#[non_exhaustive]
pub struct FileWrite {
    /// Absolute path.
    pub path: String,
    /// Owner, empty for none.
    pub user: String,
    /// Group, empty for none.
    pub group: String,
    /// Octal mode.
    pub perms: String,
    /// Append instead of replace.
    pub append: bool,
    /// The bytes.
    pub content: String,
}
