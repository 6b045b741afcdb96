//! Compiled sets as files or as one stream, and back.
//!
//! A directory holds `policies/NAME.hcl`, `roles/NAME.json`, and `index.json`, which says what the last compilation
//! wrote, so that the next one can take away what is gone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compile::Compiled;

#[cfg(test)]
mod tests;

/// Why a set cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A file is no role or no index.
    #[error("{0}: {1}")]
    Content(String, String),
    /// The file system says no.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

const INDEX: &str = "index.json";
const STREAM_POLICY: &str = "--- policy ";
const STREAM_ROLE: &str = "--- role ";

#[derive(Default, Deserialize, Serialize)]
struct Index {
    files: Vec<String>,
}

/// Writes a set as files; each is complete or as it was, and files of an earlier set that are gone are removed.
///
/// # Errors
/// [`OutputError`] naming the file.
pub fn write_directory(directory: &Path, compiled: &Compiled) -> Result<(), OutputError> {
    let old = read_index(directory)?;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    files.extend(compiled.policies.iter().map(|(name, text)| (format!("policies/{name}.hcl"), text.clone())));
    for (name, role) in &compiled.roles {
        files.insert(format!("roles/{name}.json"), pretty(role, name)?);
    }
    for (file, text) in &files {
        write(&directory.join(file), text)?;
    }
    let index = Index { files: files.keys().cloned().collect() };
    for gone in old.files.iter().filter(|file| !files.contains_key(*file) && is_ours(file)) {
        let path = directory.join(gone);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(OutputError::File { path, source }),
            _ => {}
        }
    }
    write(&directory.join(INDEX), &pretty(&index, INDEX)?)
}

/// Reads a set from files: every `policies/*.hcl` and every `roles/*.json`.
///
/// # Errors
/// [`OutputError`] naming the file.
pub fn read_directory(directory: &Path) -> Result<Compiled, OutputError> {
    let mut compiled = Compiled::default();
    for (name, text) in read_all(&directory.join("policies"), "hcl")? {
        compiled.policies.insert(name, text);
    }
    for (name, text) in read_all(&directory.join("roles"), "json")? {
        let role = serde_json::from_str(&text);
        let role = role.map_err(|error| OutputError::Content(format!("roles/{name}.json"), error.to_string()))?;
        compiled.roles.insert(name, role);
    }
    Ok(compiled)
}

/// A set as one text.
///
/// # Errors
/// [`OutputError::Content`] when a role has no JSON form.
pub fn to_stream(compiled: &Compiled) -> Result<String, OutputError> {
    let mut out = String::new();
    for (name, text) in &compiled.policies {
        out.push_str(&format!("{STREAM_POLICY}{name}\n{text}"));
    }
    for (name, role) in &compiled.roles {
        out.push_str(&format!("{STREAM_ROLE}{name}\n{}", pretty(role, name)?));
    }
    Ok(out)
}

/// Reads the text of [`to_stream`].
///
/// # Errors
/// [`OutputError::Content`] with the part that is wrong.
pub fn from_stream(text: &str) -> Result<Compiled, OutputError> {
    let wrong = |part: &str, why: &str| OutputError::Content(part.to_owned(), why.to_owned());
    let mut compiled = Compiled::default();
    let mut parts: Vec<(&str, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match parts.last_mut() {
            _ if line.starts_with("--- ") => parts.push((line.trim_end(), String::new())),
            Some((_, body)) => body.push_str(line),
            None if line.trim().is_empty() => {}
            None => {
                return Err(wrong(
                    "standard input",
                    "the first line is no \"--- policy NAME\": give the output of compile",
                ));
            }
        }
    }
    for (head, body) in parts {
        if let Some(name) = head.strip_prefix(STREAM_POLICY) {
            compiled.policies.insert(name.to_owned(), body);
        } else if let Some(name) = head.strip_prefix(STREAM_ROLE) {
            let role = serde_json::from_str(&body).map_err(|error| wrong(head, &error.to_string()))?;
            compiled.roles.insert(name.to_owned(), role);
        } else {
            return Err(wrong(head, "a part is a policy or a role"));
        }
    }
    Ok(compiled)
}

/// The text of [`to_stream`] as the files that it stands for; nothing when it is another text.
pub(crate) fn parts(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix(STREAM_POLICY) {
            parts.push((format!("policies/{}.hcl", name.trim()), String::new()));
        } else if let Some(name) = line.strip_prefix(STREAM_ROLE) {
            parts.push((format!("roles/{}.json", name.trim()), String::new()));
        } else {
            parts.last_mut()?.1.push_str(line);
        }
    }
    (!parts.is_empty()).then_some(parts)
}

fn pretty(value: &impl Serialize, name: &str) -> Result<String, OutputError> {
    let text = serde_json::to_string_pretty(value);
    Ok(text.map_err(|error| OutputError::Content(name.to_owned(), error.to_string()))? + "\n")
}

fn read_index(directory: &Path) -> Result<Index, OutputError> {
    let path = directory.join(INDEX);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            let why = format!("{error}; this is not the directory of an earlier compilation");
            OutputError::Content(path.display().to_string(), why)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(source) => Err(OutputError::File { path, source }),
    }
}

/// An index is a file that anybody can edit: it names nothing outside the two folders.
fn is_ours(file: &str) -> bool {
    file.split_once('/').is_some_and(|(folder, name)| {
        matches!(folder, "policies" | "roles") && !name.contains(['/', '\\']) && !name.starts_with('.')
    })
}

fn write(path: &Path, text: &str) -> Result<(), OutputError> {
    let result = (|| {
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(directory)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(path.file_name().unwrap_or_default());
        hidden.push(format!(".{}", std::process::id()));
        let temporary = directory.join(hidden);
        let mut file = fs::File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&temporary, path)
    })();
    result.map_err(|source| OutputError::File { path: path.to_owned(), source })
}

fn read_all(directory: &Path, extension: &str) -> Result<BTreeMap<String, String>, OutputError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| OutputError::File { path, source }
    };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(fail(directory))? {
        let path = entry.map_err(fail(directory))?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|found| found == extension)) {
            found.insert(name.to_owned(), fs::read_to_string(&path).map_err(fail(&path))?);
        }
    }
    Ok(found)
}
