//! A certificate authority and leaves in memory or from files, hot reloaded, and trust bundles.
//!
//! The parts fit together like this: a [`Source`] yields a [`Leaf`] whenever a better one is due, [`Served`] hands it to
//! TLS handshakes, and [`Trust`] remembers which authorities clients were seen to trust, so that no leaf is served
//! before its authority is known. Nothing here reads a clock or talks to a server: the caller passes the time and the
//! bundle it saw. Nothing here is ever written to disk.

mod authority;
mod bundle;
mod cert;
mod files;
mod served;
mod source;
mod trust;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use authority::{Authority, Profile};
pub use bundle::{Bundle, ORGANIZATION, merge};
pub use cert::{CaCert, Leaf};
pub use files::{FileSource, Paths};
pub use served::{Served, server_config};
pub use source::Source;
pub use trust::Trust;

/// The cryptographic provider of whoever uses this crate, the webhook. Programs that are only clients (agent, policies,
/// bootstrap) name ring themselves rather than carry what makes certificates; swapping it (FIPS, post-quantum) is this
/// line and theirs.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What can go wrong with certificates. No variant carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Making a key or a certificate failed.
    #[error("cannot make {what}")]
    Generate {
        /// `the authority` or `the leaf`.
        what: &'static str,
        /// Cause.
        #[source]
        source: rcgen::Error,
    },
    /// A leaf and its key do not belong together, or the key is of a kind the provider lacks.
    #[error("certificate and key of {subject} cannot be used together")]
    KeyPair {
        /// File or purpose.
        subject: String,
        /// Cause.
        #[source]
        source: rustls::Error,
    },
    /// A certificate cannot be read.
    #[error("{subject} is not a readable certificate: {reason}")]
    Certificate {
        /// File or purpose.
        subject: String,
        /// What the parser said.
        reason: String,
    },
    /// A PEM text has no section of the wanted kind, or is damaged.
    #[error("{subject} holds no usable {wanted} in PEM form")]
    Pem {
        /// File or purpose.
        subject: String,
        /// `certificate` or `private key`.
        wanted: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// TLS settings were refused by the library.
    #[error("cannot configure TLS")]
    Tls(#[source] rustls::Error),
}
