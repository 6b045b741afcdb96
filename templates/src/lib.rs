//! Go templates as Vault Agent renders them, as a function of a snapshot.
//!
//! [`Template::compile`] once, [`Template::render`] against a [`Snapshot`]: the answer is either the bytes, or what is still
//! missing. [`Template::dependencies`] says without rendering which paths a template reads.
//!
//! The language is Go's `text/template`, the functions are those of consul-template as OpenBao links it (sprig included).
//! Where ours differs on purpose is written in `docs/decisions/0003-template-engine.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use dependencies::{Access, AccessKind, Dependencies, DynamicAccess};
pub use error::{CompileError, Fault, RenderError};
pub use json::{Json, JsonError};

use crate::eval::Eval;
use crate::syntax::Trees;
use crate::value::Value;

mod bytes;
mod codec;
mod dependencies;
mod equal;
mod error;
mod eval;
mod float;
mod format;
mod functions;
mod json;
mod moment;
mod number;
mod regex;
mod syntax;
mod text;
mod unquote;
mod value;

/// Larger sources are refused: 4 MiB.
const MAX_SOURCE: usize = 4 * 1024 * 1024;

/// How a template is to be read and run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// Opening delimiter; empty for `{{`.
    pub left_delimiter: String,
    /// Closing delimiter; empty for `}}`.
    pub right_delimiter: String,
    /// `error_on_missing_key`: a field that a map has not is an error instead of `<no value>`.
    pub missing_key_error: bool,
    /// `function_denylist`: calling one of these is an error.
    pub denied_functions: Vec<String>,
    /// `sandbox_path`: `file` and `writeToFile` take only paths below it. Symbolic links are the caller's to check.
    pub sandbox_path: Option<String>,
}

impl Options {
    /// Plain Go templates, as a constant.
    const fn none() -> Self {
        Self {
            left_delimiter: String::new(),
            right_delimiter: String::new(),
            missing_key_error: false,
            denied_functions: Vec::new(),
            sandbox_path: None,
        }
    }
}

impl Snapshot {
    /// A world without anything, as a constant.
    const fn none() -> Self {
        Self { answers: BTreeMap::new(), environment: BTreeMap::new(), now: (0, 0), seed: None }
    }
}

/// A compiled template: parsed once, rendered often, shared between threads.
pub struct Template {
    options: Options,
    source: String,
    trees: Trees,
}

impl Template {
    /// Reads a template and resolves its functions.
    ///
    /// # Errors
    /// Where the syntax is wrong or a function is unknown. (Vault Agent reports this only when it renders.)
    pub fn compile(source: &str, options: &Options) -> Result<Self, CompileError> {
        let or_default = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        let left = or_default(&options.left_delimiter, "{{");
        let right = or_default(&options.right_delimiter, "}}");
        if source.len() > MAX_SOURCE {
            return Err(CompileError { line: 1, column: 1, message: "the template is larger than 4 MiB".to_owned() });
        }
        let trees = syntax::parse(source, &left, &right).map_err(|(offset, message)| {
            let (line, column) = error::position(source, offset);
            CompileError { line, column, message }
        })?;
        Ok(Self { options: options.clone(), source: source.to_owned(), trees })
    }

    /// Renders against what is known. Does no I/O and gives the same for the same snapshot.
    ///
    /// While something is missing, an error is not one yet: the answer is [`Rendered::Incomplete`].
    ///
    /// # Errors
    /// What the template does wrong with the data, where, and never the data itself.
    pub fn render(&self, snapshot: &Snapshot) -> Result<Rendered, RenderError> {
        let mut eval = Eval::new(&self.trees, &self.options, snapshot);
        let result = eval.run("", Value::Invalid);
        let Eval { at, missing, output, used, writes, .. } = eval;
        if !missing.is_empty() {
            return Ok(Rendered::Incomplete { missing, used });
        }
        match result {
            Ok(()) => Ok(Rendered::Complete { output, used, writes }),
            Err(fault) => {
                let (line, column) = error::position(&self.source, at);
                Err(RenderError { line, column, fault })
            }
        }
    }

    /// Lists, without rendering, what the template reads and where it does.
    pub fn dependencies(&self) -> Dependencies {
        dependencies::analyse(&self.trees, &self.source)
    }
}

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
