//! Passwords nobody has seen.

use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use crate::Failure;

/// 32 characters, so that 5 bits of a random byte choose one without bias. Safe in SQL, URLs, ACL lines and shells.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes from the kernel's generator.
///
/// # Errors
/// [`Failure::Unreachable`] when the kernel gives none.
pub fn bytes(length: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += getrandom(rest, GetRandomFlags::empty())
            .map_err(|error| Failure::Unreachable(format!("read random bytes: {error}")))?;
    }
    Ok(bytes)
}

/// A password of `length` characters, 5 bits each.
///
/// # Errors
/// [`Failure::Unreachable`] when the kernel gives no random bytes.
pub fn password(length: usize) -> Result<Zeroizing<String>, Failure> {
    let random = bytes(length)?;
    let characters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
    Ok(Zeroizing::new(characters.map(|byte| char::from(*byte)).collect()))
}

#[cfg(test)]
mod tests;
