//! Tells the kubelet why the agent ended.

use std::{fs::OpenOptions, io::Write, path::Path};

/// Where the kubelet reads a container's last words.
const PATH: &str = "/dev/termination-log";
/// It reads no more than this.
const LIMIT: usize = 4096;

/// Leaves the last words; where there is no such file (no kubelet), nothing is done.
pub(crate) fn leave(message: &str) {
    leave_at(Path::new(PATH), message);
}

fn leave_at(path: &Path, message: &str) {
    let end = message.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LIMIT).last();
    let text = message.get(..end.unwrap_or_default()).unwrap_or_default();
    if let Ok(mut file) = OpenOptions::new().write(true).truncate(true).open(path) {
        // There is nobody left to tell.
        file.write_all(text.as_bytes()).ok();
    }
}

#[cfg(test)]
mod tests;
