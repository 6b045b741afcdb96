//! The configuration: one YAML file, without secrets; those are in files that it names and that may change at any time.

mod check;
mod units;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::classify::{Queue, Row, default_rows};
pub(crate) use crate::config::units::Period;
use crate::payload::{AllowList, Allowance};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Not there.
    #[error("cannot read {}", file.display())]
    Read {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Not YAML, or not of this shape.
    #[error("{}: {reason}", file.display())]
    Parse { file: PathBuf, reason: String },
    /// Values that do not fit each other.
    #[error("{}: {}", file.display(), problems.join("; "))]
    Wrong { file: PathBuf, problems: Vec<String> },
}

/// All settings.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) publishing: Publishing,
    pub(crate) redis: Redis,
    #[serde(default)]
    pub(crate) queues: BTreeMap<Queue, QueueSettings>,
    classify: Option<Vec<Row>>,
    payload: Option<Vec<Allowance>>,
    #[serde(default)]
    pub(crate) election: Election,
    pub(crate) webhook: Option<Webhook>,
    #[serde(default = "admin_address")]
    pub(crate) admin: SocketAddr,
}

/// Where events are read.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Source {
    /// `admin-api` or `postgres`.
    #[serde(default)]
    pub(crate) kind: SourceKind,
    /// ZITADEL, such as `http://zitadel.identity.svc:8080`.
    pub(crate) url: Option<String>,
    /// `Host` of the requests, by which ZITADEL finds the instance.
    pub(crate) host: Option<String>,
    /// What events of the admin API have as their instance, which it does not tell.
    #[serde(default)]
    pub(crate) instance: String,
    /// A personal access token.
    pub(crate) token_file: Option<PathBuf>,
    /// A machine user's key (JSON), in place of a token.
    pub(crate) key_file: Option<PathBuf>,
    /// Authorities (PEM) that a server's certificate must be of.
    pub(crate) ca_file: Option<PathBuf>,
    /// libpq's keywords without a secret: `host=... port=... dbname=...`.
    pub(crate) connection: Option<String>,
    /// More of them, `user=... password=...`, in a file.
    pub(crate) login_file: Option<PathBuf>,
    /// Programs whose open transactions hold nothing back, by their application name: those that only read.
    #[serde(default)]
    pub(crate) readers: Vec<String>,
    /// Between two looks.
    poll: Option<Period>,
    /// How long after its creation an event may still be committed.
    #[serde(default = "overlap")]
    pub(crate) overlap: Period,
    /// Longest wait for an earlier event of the same aggregate.
    #[serde(default = "gap_wait")]
    pub(crate) gap_wait: Period,
    /// Longest wait for an answer.
    #[serde(default = "timeout")]
    pub(crate) timeout: Period,
    /// Events of one answer.
    #[serde(default = "page")]
    pub(crate) page: usize,
    /// Where to begin when Redis remembers nothing.
    #[serde(default)]
    pub(crate) start: Start,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SourceKind {
    #[default]
    AdminApi,
    Postgres,
}

/// `beginning`, `now`, or a time.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) enum Start {
    #[default]
    Beginning,
    Now,
    At(crate::event::Moment),
}

/// How events are put together.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Publishing {
    pub(crate) batch_size: usize,
    pub(crate) batch_timeout: Period,
    pub(crate) compression: Compression,
    /// Largest message, in bytes; beyond it the payload is left out.
    pub(crate) max_message_bytes: usize,
    /// Attempts before a batch that its list refuses goes to the dead letters.
    pub(crate) attempts: u32,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    #[default]
    None,
    Zstd,
}

/// A list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct QueueSettings {
    /// Key, without it the prefix and the queue's name.
    pub(crate) list: Option<String>,
    /// Redis group, without it the first.
    pub(crate) group: Option<String>,
    pub(crate) batch_timeout: Option<Period>,
    pub(crate) max_length: Option<usize>,
    pub(crate) when_full: WhenFull,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenFull {
    /// Until somebody takes something.
    #[default]
    Wait,
    /// The oldest events.
    Trim,
}

/// How Redis is reached.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Redis {
    #[serde(default = "prefix")]
    pub(crate) prefix: String,
    pub(crate) groups: BTreeMap<String, Group>,
    #[serde(default)]
    pub(crate) sentinels: Vec<String>,
    #[serde(default)]
    pub(crate) login: Login,
    #[serde(default)]
    pub(crate) sentinel_login: Login,
    /// TLS to servers and Sentinels, with these authorities (PEM).
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default = "redis_timeout")]
    pub(crate) timeout: Period,
    /// Letters in the list of dead letters.
    #[serde(default = "dead_letters")]
    pub(crate) max_dead_letters: usize,
}

/// One master, by its name at the Sentinels or by its address.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) master: Option<String>,
    pub(crate) address: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
}

/// Which replica works.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Election {
    pub(crate) kind: ElectionKind,
    /// `namespace/name` of the Lease.
    pub(crate) lease: Option<String>,
    /// How long a leader that says nothing is believed to live.
    pub(crate) term: Period,
    pub(crate) api_address: String,
    pub(crate) api_token_file: PathBuf,
    pub(crate) api_ca_file: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ElectionKind {
    /// A lock in the first Redis group.
    #[default]
    Redis,
    /// A Lease of Kubernetes.
    Lease,
}

/// Where ZITADEL's actions may knock.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Webhook {
    pub(crate) listen: SocketAddr,
    /// Signing keys, one a line.
    pub(crate) keys_file: PathBuf,
    /// Age at which a signature is too old.
    #[serde(default = "tolerance")]
    pub(crate) tolerance: Period,
}

/// A queue with everything that was left out filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueuePlan {
    pub(crate) queue: Queue,
    pub(crate) list: String,
    pub(crate) group: String,
    pub(crate) batch_timeout: Period,
    pub(crate) max_length: usize,
    pub(crate) when_full: WhenFull,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// With the place and what would be right.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(file).map_err(|source| Error::Read { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    /// Reads a text; `file` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        let config: Self = serde_saphyr::from_str(text)
            .map_err(|error| Error::Parse { file: file.to_owned(), reason: error.to_string() })?;
        let problems = check::problems(&config);
        if problems.is_empty() { Ok(config) } else { Err(Error::Wrong { file: file.to_owned(), problems }) }
    }

    /// The classifier's rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.classify.clone().unwrap_or_else(default_rows)
    }

    pub(crate) fn allowed(&self) -> AllowList {
        self.payload.clone().map_or_else(AllowList::default, AllowList::new)
    }

    /// The queues, most urgent first.
    pub(crate) fn queues(&self) -> Vec<QueuePlan> {
        let plan = |queue: Queue| {
            let given = self.queues.get(&queue).cloned().unwrap_or_default();
            let first = self.redis.groups.keys().next().cloned().unwrap_or_default();
            let usual = if queue == Queue::High { Period::millis(10) } else { self.publishing.batch_timeout };
            QueuePlan {
                queue,
                list: given.list.unwrap_or_else(|| format!("{}:{}", self.redis.prefix, queue.name())),
                group: given.group.unwrap_or(first),
                batch_timeout: given.batch_timeout.unwrap_or(usual),
                max_length: given.max_length.unwrap_or(1_000_000),
                when_full: given.when_full,
            }
        };
        Queue::ALL.into_iter().map(plan).collect()
    }
}

impl Source {
    /// How long to wait between two looks, after some events and after none. A look at ZITADEL is dear; its webhook tells
    /// when there is something to see.
    pub(crate) fn pauses(&self) -> (Duration, Duration) {
        match (self.kind, self.poll) {
            (_, Some(Period(poll))) => (poll, poll),
            (SourceKind::AdminApi, None) => (Duration::from_millis(250), Duration::from_millis(250)),
            (SourceKind::Postgres, None) => (Duration::from_millis(10), Duration::from_millis(100)),
        }
    }
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            batch_size: 100,
            batch_timeout: Period::millis(1000),
            compression: Compression::None,
            max_message_bytes: 256 << 10,
            attempts: 5,
        }
    }
}

impl Default for Election {
    fn default() -> Self {
        Self {
            kind: ElectionKind::Redis,
            lease: None,
            term: Period::millis(10_000),
            api_address: "https://kubernetes.default.svc".into(),
            api_token_file: "/run/api/token".into(),
            api_ca_file: "/run/api/ca.crt".into(),
        }
    }
}

impl TryFrom<String> for Start {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "beginning" => Ok(Self::Beginning),
            "now" => Ok(Self::Now),
            time => crate::event::Moment::parse(time)
                .map(Self::At)
                .ok_or_else(|| format!("{time:?} is none of beginning, now, or a time such as 2026-01-31T12:00:00Z")),
        }
    }
}

fn admin_address() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8080))
}

fn prefix() -> String {
    "zitadel:events".into()
}

fn overlap() -> Period {
    Period::millis(10_000)
}

fn gap_wait() -> Period {
    Period::millis(5000)
}

fn timeout() -> Period {
    Period::millis(30_000)
}

fn redis_timeout() -> Period {
    Period::millis(5000)
}

fn tolerance() -> Period {
    Period::millis(300_000)
}

fn page() -> usize {
    1000
}

fn dead_letters() -> usize {
    100_000
}
