//! Where events come from.

pub(crate) mod admin;
pub(crate) mod postgres;
mod token;

use std::future::Future;
use std::pin::Pin;

use crate::config::{self, SourceKind};
use crate::files;
use crate::track::{Page, Position};

/// An answer to come.
pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Page, Error>> + Send + 'a>>;

/// Something that events can be read from.
pub(crate) trait Source: Send {
    /// Reads from a position on.
    ///
    /// # Errors
    /// [`Error`]; the position may be asked for again.
    fn read<'a>(&'a mut self, position: &'a Position) -> Answer<'a>;
}

/// A source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    File(#[from] files::Error),
    #[error("source: {0}")]
    Setting(String),
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("{url}: the token is not accepted ({status}); it is read again from its file")]
    Unauthenticated { url: String, status: u16 },
    #[error("{url}: the user may not read events ({status}): {message}; it needs the role IAM_OWNER_VIEWER")]
    Forbidden { url: String, status: u16, message: String },
    #[error("{url}: too many requests")]
    Throttled { url: String, retry_after: Option<u64> },
    #[error("{url}: {status}: {message}")]
    Refused { url: String, status: u16, message: String },
    #[error("{url}: not an answer of ZITADEL: {reason}")]
    Garbage { url: String, reason: String },
    #[error(
        "more than {limit} events have the moment {moment}, more than the admin API shows; use the source postgres"
    )]
    Crowded { moment: crate::event::Moment, limit: usize },
    #[error("cannot {what} in PostgreSQL")]
    Database {
        what: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("PostgreSQL hides what other sessions do: GRANT pg_read_all_stats to the bridge's user")]
    Blind,
    #[error("no answer of PostgreSQL in time")]
    Silent,
}

impl Error {
    /// For a metric.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::File(_) | Self::Setting(_) => "file",
            Self::Unreachable { .. } | Self::Silent => "unreachable",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden { .. } | Self::Blind => "forbidden",
            Self::Throttled { .. } => "throttled",
            Self::Refused { .. } => "refused",
            Self::Garbage { .. } => "garbage",
            Self::Crowded { .. } => "crowded",
            Self::Database { .. } => "database",
        }
    }

    /// Seconds that the server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The source of a configuration.
///
/// # Errors
/// [`Error`] for settings that are of no use.
pub(crate) fn open(settings: &config::Source, largest: usize) -> Result<Box<dyn Source>, Error> {
    Ok(match settings.kind {
        SourceKind::AdminApi => Box::new(admin::AdminApi::new(settings)?),
        SourceKind::Postgres => Box::new(postgres::Postgres::new(settings, largest)?),
    })
}
