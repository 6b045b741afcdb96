//! The master key: the exact bytes of a file. ZITADEL does not trim them, so a trailing newline breaks the key there too
//! (its `cmd/key/masterkey.go`).

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::Error;

/// Bytes of a master key.
const LENGTH: usize = 32;

/// A master key that has the right length.
pub(crate) struct MasterKey([u8; LENGTH]);

impl MasterKey {
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let bytes = fs::read(file)
            .map_err(|source| Error::Io { what: format!("read the master key {}", file.display()), source })?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        <[u8; LENGTH]>::try_from(bytes).map(Self).map_err(|_| Error::MasterKeyLength { length: bytes.len() })
    }

    /// What the instance remembers to tell this key from another.
    pub(crate) fn check_value(&self) -> Result<Vec<u8>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| Error::MasterKeyLength { length: LENGTH })?;
        mac.update(b"zitadel-double");
        Ok(mac.finalize().into_bytes().to_vec())
    }
}
