//! The guard's files: the server's configuration, and the key of the static seal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Failure, random};

/// Stands for the pod's name in the configuration's template.
const POD_NAME: &str = "@POD_NAME@";

/// Bytes of the key of a static seal (AES-256).
const SEAL_KEY_BYTES: usize = 32;

/// Whether the directory holds a raft store. Anything else (`lost+found`, the seal's key) does not count.
///
/// # Errors
/// [`Failure::Unreachable`] when the directory cannot be read: an unreadable volume is not an empty one.
pub fn has_data(directory: &Path) -> Result<bool, Failure> {
    let unreadable = |error: io::Error| Failure::Unreachable(format!("read {}: {error}", directory.display()));
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if name == "vault.db" || name == "raft" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the server's configuration: the template with the pod's name, and the stanza when there is one.
///
/// # Errors
/// [`Failure::Configuration`] for an unreadable template, [`Failure::Unreachable`] when the file cannot be written.
pub fn write_configuration(
    template: &Path,
    initialize: Option<&Path>,
    pod: &str,
    output: &Path,
) -> Result<(), Failure> {
    let mut text = read(template)?.replace(POD_NAME, pod);
    if let Some(stanza) = initialize {
        text.push('\n');
        text.push_str(&read(stanza)?);
    }
    replace(output, text.as_bytes(), 0o600)
}

/// Makes the key of a static seal, once.
///
/// The file lies beside the data it protects: it helps against a copied snapshot, not against a copied volume.
///
/// # Errors
/// [`Failure::Failed`] when there is data but no key: a new key could not open it. [`Failure::Unreachable`] when the file
/// cannot be written.
pub fn ensure_seal_key(path: &Path, has_data: bool) -> Result<bool, Failure> {
    if path.exists() {
        return Ok(false);
    }
    if has_data {
        return Err(Failure::Failed(format!(
            "{} is missing, and the data was sealed with it: put the key back; a new one could not open the data",
            path.display()
        )));
    }
    let key = random::bytes(SEAL_KEY_BYTES)?;
    replace(path, &key, 0o400)?;
    Ok(true)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::Configuration(format!("read {}: {error}", path.display())))
}

/// A complete file or none: written under another name in the same directory, synced, renamed.
///
/// # Errors
/// [`Failure::Unreachable`] naming the file.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    put(path, bytes, mode).map_err(|error| Failure::Unreachable(format!("write {}: {error}", path.display())))
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unfinished = PathBuf::from(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
