//! Where leaves come from.

use std::time::SystemTime;

use crate::{Authority, CaCert, Error, FileSource, Leaf, Trust};

/// Where leaves come from: our own authority, or files that somebody else keeps fresh.
pub enum Source {
    /// Files of cert-manager or of one's own PKI.
    Files(Box<FileSource>),
    /// An authority in memory.
    Own(Box<Authority>),
}

impl Source {
    /// Looks at the clock (and the files): a leaf, when one other than the last should be served from now on.
    ///
    /// # Errors
    /// What keeps a due leaf from being had; the last one stays in use, and the next call tries again.
    pub fn poll(&mut self, now: SystemTime, trust: &Trust) -> Result<Option<Leaf>, Error> {
        match self {
            Self::Files(files) => files.poll(now, trust),
            Self::Own(authority) => authority.poll(now, trust),
        }
    }

    /// The authorities that clients have to trust, those of leaves yet to be served included.
    #[must_use]
    pub fn authorities(&self) -> Vec<CaCert> {
        match self {
            Self::Files(files) => files.authorities(),
            Self::Own(authority) => authority.authorities(),
        }
    }
}
