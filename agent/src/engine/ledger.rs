//! What the agent put where, and whether those who read it were told.
//!
//! A file of the home directory, so that an agent that was killed between putting files in place and telling the
//! application makes up for it, and one that starts with another configuration knows which files are its own. It holds
//! paths and digests; like the token beside it, nobody but the agent's own user may read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files::{FileSpec, FilesError, Store};

/// Name of the file in the home directory.
const NAME: &str = "files.json";

/// See the module.
#[derive(Default)]
pub(super) struct Ledger {
    /// Where it is kept; without a home it lives as long as the agent.
    path: Option<PathBuf>,
    files: BTreeMap<PathBuf, Entry>,
    /// Files that were looked at since the start.
    seen: BTreeSet<PathBuf>,
    /// There was none: whatever is in place was told of by who put it there.
    is_first: bool,
    unsaved: bool,
}

/// One file.
#[derive(Deserialize, Serialize)]
struct Entry {
    sha256: String,
    told: bool,
}

impl Ledger {
    /// The ledger of this home directory. One that cannot be read is begun anew.
    pub(super) fn open(home: Option<&Path>) -> Self {
        let Some(path) = home.map(|home| home.join(NAME)) else { return Self::default() };
        let (files, is_first) = match fs::read(&path) {
            Ok(bytes) => (serde_json::from_slice(&bytes).ok(), false),
            Err(error) => (None, error.kind() == ErrorKind::NotFound),
        };
        if files.is_none() && !is_first {
            tracing::warn!(path = %path.display(), "what was written before is not known: actions may run once more");
        }
        let files = files.unwrap_or_default();
        Self { path: Some(path), files, seen: BTreeSet::new(), is_first, unsaved: true }
    }

    /// Notes what is in place now; true when those who read it are to be told.
    ///
    /// `changed`: just now. `is_told_of`: it has actions.
    pub(super) fn note(&mut self, path: &Path, bytes: &[u8], changed: bool, is_told_of: bool) -> bool {
        let sha256 = digest(bytes);
        let is_new_to_us = self.seen.insert(path.to_path_buf());
        let known = self.files.get(path).filter(|entry| entry.sha256 == sha256);
        let was_told = known.map_or(self.is_first, |entry| entry.told);
        // Not told although it did not change: the agent was killed before it could.
        let due = is_told_of && (changed || (is_new_to_us && self.path.is_some() && !was_told));
        let told = !due && (!is_told_of || known.is_none_or(|entry| entry.told));
        if known.is_none_or(|entry| entry.told != told) {
            self.files.insert(path.to_path_buf(), Entry { sha256, told });
            self.unsaved = true;
        }
        due
    }

    /// What a file was when it was noted, to say later that it was told of.
    pub(super) fn digest_of(&self, path: &Path) -> Option<String> {
        self.files.get(path).map(|entry| entry.sha256.clone())
    }

    /// Those who read this state of the file know of it.
    pub(super) fn told(&mut self, path: &Path, sha256: &str) {
        if let Some(entry) = self.files.get_mut(path).filter(|entry| entry.sha256 == sha256 && !entry.told) {
            entry.told = true;
            self.unsaved = true;
        }
    }

    /// Files of ours that nobody wants any more.
    pub(super) fn unwanted(&self, wanted: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        self.files.keys().filter(|path| !wanted.contains(*path)).cloned().collect()
    }

    /// Whether a file is still as we wrote it.
    pub(super) fn is_ours(&self, path: &Path, bytes: &[u8]) -> bool {
        self.files.get(path).is_some_and(|entry| entry.sha256 == digest(bytes))
    }

    /// A file is no concern of ours any more.
    pub(super) fn forget(&mut self, path: &Path) {
        self.seen.remove(path);
        self.unsaved |= self.files.remove(path).is_some();
    }

    /// Writes it down, if there is something new.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; it is tried again the next time.
    pub(super) fn save(&mut self) -> Result<(), FilesError> {
        let Some(path) = self.path.as_ref().filter(|_| self.unsaved) else { return Ok(()) };
        // Paths of files are text here: they come from a JSON or HCL text.
        let text = serde_json::to_vec(&self.files).unwrap_or_default();
        let spec = FileSpec { destination: path.clone(), mode: 0o600, user: None, group: None, create_dirs: false };
        Store::new(Vec::new()).commit(&[(spec, text)])?;
        self.unsaved = false;
        Ok(())
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
