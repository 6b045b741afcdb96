//! What Redis can say instead of an answer.

use redis::RedisError;

use crate::files;

/// A failed exchange. Never quotes a password, which Redis does not either.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot reach Redis at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("no Sentinel names the master {master}: {reason}")]
    Sentinel { master: String, reason: String },
    #[error("login for Redis: {reason}")]
    Login { reason: String },
    #[error(transparent)]
    File(#[from] files::Error),
    #[error("Redis at {address}: {trouble}")]
    Command { address: String, trouble: Trouble },
}

impl Error {
    /// For a metric.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Sentinel { .. } => "sentinel",
            Self::Login { .. } | Self::File(_) => "file",
            Self::Command { trouble, .. } => trouble.kind(),
        }
    }
}

/// The answers that are worth telling apart, each with what to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("{0}: the password is wrong or was changed; it is read again from its file")]
    Login(String),
    #[error("{0}: the user lacks a right; docs/reference/events.md lists what it needs")]
    Forbidden(String),
    #[error("{0}: this server is a replica; the Sentinels are asked again")]
    ReadOnly(String),
    #[error(
        "{0}: this server belongs to a Redis Cluster, which is not supported; name a server of its own or a Sentinel group"
    )]
    Cluster(String),
    #[error("{0}: Redis is at maxmemory; nothing is lost, it goes on when there is room")]
    Full(String),
    #[error("{0}: the key holds something else; rename or delete it")]
    WrongType(String),
    #[error("{0}: the server is starting or busy")]
    Busy(String),
    #[error("{0}")]
    Other(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("no answer in time")]
    Silent,
}

impl Trouble {
    pub(crate) fn of(error: &RedisError) -> Self {
        if error.is_io_error() || error.is_connection_dropped() {
            return Self::Broken(error.to_string());
        }
        let code = error.code().unwrap_or_default();
        Self::named(&error.detail().map_or_else(|| error.to_string(), |detail| format!("{code} {detail}")))
    }

    /// Of a server's line. The code of an error within a script is at times in the middle of it.
    pub(crate) fn named(line: &str) -> Self {
        let (is, text) = (|word: &str| line.contains(word), line.to_owned());
        match () {
            () if is("NOAUTH") || is("WRONGPASS") || is("AuthenticationFailed") => Self::Login(text),
            () if is("NOPERM") || is("ACL failure in script") => Self::Forbidden(text),
            () if is("READONLY") => Self::ReadOnly(text),
            () if is("MOVED") || is("ASK ") || is("CROSSSLOT") || is("CLUSTERDOWN") => Self::Cluster(text),
            () if is("OOM") => Self::Full(text),
            () if is("WRONGTYPE") => Self::WrongType(text),
            () if is("LOADING") || is("BUSY") || is("MASTERDOWN") || is("MISCONF") || is("NOREPLICAS") => {
                Self::Busy(text)
            }
            () => Self::Other(text),
        }
    }

    /// For a metric.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Login(_) => "login",
            Self::Forbidden(_) => "forbidden",
            Self::ReadOnly(_) => "readonly",
            Self::Cluster(_) => "cluster",
            Self::Full(_) => "oom",
            Self::WrongType(_) => "wrongtype",
            Self::Busy(_) => "busy",
            Self::Other(_) => "other",
            Self::Broken(_) => "broken",
            Self::Silent => "silent",
        }
    }
}
