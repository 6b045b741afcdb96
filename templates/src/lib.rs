//! Go templates as Vault Agent renders them, as a function of a snapshot.
//!
//! [`Template::compile`] once, [`Template::render`] against a [`Snapshot`]: the answer is either the bytes, or what is still
//! missing. [`Template::dependencies`] says without rendering which paths a template reads.
//!
//! The language is Go's `text/template`, the functions are those of consul-template as OpenBao links it (sprig included).
//! Where ours differs on purpose is written in `docs/decisions/0003-template-engine.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use json::{Json, JsonError};

mod json;

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

/// The outside world at one moment: answers, environment, time, chance.
#[derive(Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// What is known. An answer is shared, not copied, by every template that uses it.
    pub answers: BTreeMap<Dependency, Arc<Answer>>,
    /// Environment for `env` and its family.
    pub environment: BTreeMap<String, String>,
    /// Seconds and nanoseconds since 1970 for `timestamp`.
    pub now: (i64, u32),
    /// Seed of everything random (`sprig_uuidv4`, `sprig_randAlphaNum`, salts). Without one these functions fail; with the
    /// same one they give the same, so an agent that keeps its seed does not rewrite a file at every render.
    pub seed: Option<[u8; 32]>,
}

/// What a dependency turned out to be. Holds secrets: no `Debug`, no `Serialize`.
#[non_exhaustive]
pub enum Answer {
    /// What `pkiCert` gives: PEM texts, each ending in a newline, empty when there is none.
    Certificate {
        /// `.Cert`.
        cert: String,
        /// `.Key`.
        key: String,
        /// `.CA`.
        ca: String,
    },
    /// Contents of a file; any bytes.
    File(Vec<u8>),
    /// Sorted keys.
    List(Vec<String>),
    /// A secret: the whole response (`request_id`, `lease_id`, `data`, `auth`, `warnings`, ...).
    Secret(Json),
}

/// What rendering gave.
#[non_exhaustive]
pub enum Rendered {
    /// Everything was there.
    Complete {
        /// The file's bytes. Not always UTF-8: `base64Decode` of a keystore is common.
        output: Vec<u8>,
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
    /// Path as written.
    pub path: String,
    /// Owner, name or number; empty for none.
    pub user: String,
    /// Group, name or number; empty for none.
    pub group: String,
    /// Mode.
    pub mode: u32,
    /// Append instead of replace.
    pub append: bool,
    /// The bytes, with the newline when one was asked for.
    pub content: Vec<u8>,
}
