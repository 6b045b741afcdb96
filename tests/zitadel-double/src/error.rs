//! What can go wrong. No variant carries a credential.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {what}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{}: not YAML that can be read: {reason}", file.display())]
    Yaml { file: PathBuf, reason: String },
    #[error("configuration key {key}: {reason}")]
    Key { key: String, reason: String },
    #[error("masterkey must be 32 bytes, but is {length}")]
    MasterKeyLength { length: usize },
    #[error("the master key is not the one that this instance was set up with")]
    MasterKeyDiffers,
    #[error("the instance is not set up: run setup first")]
    NotSetUp,
    #[error("cannot {what} in PostgreSQL")]
    Database {
        what: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("no connection to PostgreSQL: {reason}")]
    Pool { reason: String },
    #[error("cannot reach the cache")]
    Cache(#[source] redis::RedisError),
    #[error("TLS: {reason}")]
    Tls { reason: String },
    #[error("the server is not ready: {reason}")]
    NotReady { reason: String },
}

impl Error {
    /// 2: the caller must change something first; 3: something outside failed and may work later.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Yaml { .. } | Self::Key { .. } | Self::MasterKeyLength { .. } | Self::MasterKeyDiffers => 2,
            _ => 3,
        }
    }
}
