//! Small files that hold a credential.

use std::{fs, path::Path};

use zeroize::Zeroizing;

use super::LoginError;

/// The trimmed text of a file that must not be empty.
pub(super) fn read(path: &Path, what: &'static str) -> Result<Zeroizing<String>, LoginError> {
    let fail = |reason: String| LoginError::File { what, path: path.to_path_buf(), reason };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| fail(error.to_string()))?);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(fail("the file is empty".to_owned()));
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}
