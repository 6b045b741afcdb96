//! Certificates that somebody else keeps in files: cert-manager, a CSI driver, one's own PKI.
//!
//! Polled and compared, not watched: a watch on a file goes deaf after the first swap of a mounted volume.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::{CaCert, Error, Leaf, Trust};

#[cfg(test)]
mod tests;

/// Where the files are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paths {
    /// Leaf, followed by intermediates if any.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Authorities that clients have to trust; absent when that is somebody else's concern.
    pub ca: Option<PathBuf>,
}

/// Leaves from files. Keeps the last good ones while the files are missing, torn or wrong.
pub struct FileSource {
    paths: Paths,
    /// What was read last, good or not, so that a bad generation is reported once and not at every poll.
    last: Option<Generation>,
    /// Good, and waiting until its authority is trusted.
    waiting: Option<Leaf>,
    served: Option<Leaf>,
}

impl FileSource {
    /// Nothing is read before the first [`FileSource::poll`].
    #[must_use]
    pub fn new(paths: Paths) -> Self {
        Self { paths, last: None, waiting: None, served: None }
    }

    /// Reads the files when they changed. A new leaf waits until clients trust its authority, unless the one in use
    /// has expired anyway.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Pem`], [`Error::Certificate`] or [`Error::KeyPair`], once for each set of bytes
    /// (unreadable files: each time).
    pub fn poll(&mut self, now: SystemTime, trust: &Trust) -> Result<Option<Leaf>, Error> {
        let generation = Generation::read(&self.paths)?;
        if self.last.as_ref() != Some(&generation) {
            let leaf = generation.leaf(&self.paths);
            self.last = Some(generation);
            self.waiting = Some(leaf?);
        }
        let Some(waiting) = &self.waiting else { return Ok(None) };
        let trusted = waiting.issuers.is_empty() || waiting.issuers.iter().any(|ca| trust.holds(ca, now));
        let in_use = self.served.as_ref().is_some_and(|served| served.valid_at(now));
        if in_use && !trusted {
            return Ok(None);
        }
        self.served = self.waiting.take();
        Ok(self.served.clone())
    }

    /// The authorities of the leaf in use and of the one that waits.
    #[must_use]
    pub fn authorities(&self) -> Vec<CaCert> {
        let mut all: Vec<CaCert> = Vec::new();
        for ca in self.served.iter().chain(&self.waiting).flat_map(|leaf| &leaf.issuers) {
            if !all.contains(ca) {
                all.push(ca.clone());
            }
        }
        all
    }
}

/// The bytes of one moment.
#[derive(PartialEq)]
struct Generation {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    ca: Option<Vec<u8>>,
}

impl Generation {
    /// All files behind the same `..data`, where the directory has one: otherwise a swap between two reads would give
    /// a certificate with another one's key.
    fn read(paths: &Paths) -> Result<Self, Error> {
        let directory = paths.cert.parent().unwrap_or_else(|| Path::new("."));
        let current = fs::read_link(directory.join("..data")).ok().map(|target| directory.join(target));
        let read = |path: &Path| {
            let pinned = match (&current, path.parent(), path.file_name()) {
                (Some(current), Some(parent), Some(name)) if parent == directory => current.join(name),
                _ => path.to_owned(),
            };
            match fs::read(&pinned) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && pinned != path => fs::read(path),
                other => other,
            }
            .map_err(|source| Error::Read { path: path.to_owned(), source })
        };
        Ok(Self {
            cert: read(&paths.cert)?,
            key: Zeroizing::new(read(&paths.key)?),
            ca: paths.ca.as_deref().map(read).transpose()?,
        })
    }

    fn leaf(&self, paths: &Paths) -> Result<Leaf, Error> {
        let subject = paths.cert.display().to_string();
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.cert)
            .collect::<Result<_, _>>()
            .map_err(|_| Error::Pem { subject: subject.clone(), wanted: "certificate" })?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| Error::Pem { subject: paths.key.display().to_string(), wanted: "private key" })?;
        let issuers = match (&self.ca, &paths.ca) {
            (Some(pem), Some(path)) => CaCert::from_pem(pem, &path.display().to_string())?,
            _ => Vec::new(),
        };
        Leaf::new(chain, key, issuers, &subject)
    }
}
