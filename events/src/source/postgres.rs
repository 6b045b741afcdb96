//! ZITADEL's event table, read directly: fast, in an exact order, but of a schema that ZITADEL may change.
//!
//! A row becomes visible at its commit and is dated before. So no row is read that is dated after the oldest transaction
//! that is still open: behind that moment nothing can appear any more. The moment is asked for in a statement of its own;
//! within one statement, a transaction could end after the rows were looked at and before the sessions were.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config;
use crate::event::{Event, Key, Malformed, Moment, Payload, mark_of};
use crate::files;
use crate::source::{Answer, Error, Source};
use crate::track::{Page, Position};

/// Sessions that run a transaction, whoever they are: one that only begins to write has no name yet. What is hidden from
/// us has no state.
const BOUND: &str = "
SELECT (extract(epoch FROM least(min(xact_start), statement_timestamp())) * 1000000)::bigint,
       (extract(epoch FROM statement_timestamp()) * 1000000)::bigint,
       coalesce(bool_or(state IS NULL), false)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (state IS NULL OR xact_start IS NOT NULL) AND application_name <> ALL ($1)
";

/// Rows of the future are read at once: the clock that dated them is not waited for.
const EVENTS: &str = r#"
SELECT instance_id, aggregate_type, aggregate_id, "sequence", event_type,
       (extract(epoch FROM created_at) * 1000000)::bigint, "owner", creator,
       CASE WHEN pg_column_size(payload) <= $9 THEN payload::text END, payload IS NOT NULL
FROM eventstore.events2
WHERE created_at >= $1::bigint * interval '1 microsecond' + 'epoch'::timestamptz
  AND (created_at < $2::bigint * interval '1 microsecond' + 'epoch'::timestamptz
       OR created_at > $3::bigint * interval '1 microsecond' + 'epoch'::timestamptz)
  AND (created_at, instance_id, aggregate_type, aggregate_id, "sequence")
      > ($1::bigint * interval '1 microsecond' + 'epoch'::timestamptz, $4, $5, $6, $7)
ORDER BY created_at, instance_id, aggregate_type, aggregate_id, "sequence"
LIMIT $8
"#;

/// How far ahead of the server's clock a row is of the future.
const AHEAD: Duration = Duration::from_secs(5);

/// Larger payloads stay where they are; compressed size, in bytes.
const LARGEST_PAYLOAD: i32 = 1 << 20;

/// The event table.
pub(crate) struct Postgres {
    settings: config::Source,
    largest: i32,
    session: Option<Session>,
}

/// A connection that ends with its value.
struct Session {
    client: Client,
    bound: Statement,
    events: Statement,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Source for Postgres {
    fn read<'a>(&'a mut self, position: &'a Position) -> Answer<'a> {
        Box::pin(self.page(position))
    }
}

impl Postgres {
    pub(crate) fn new(settings: &config::Source, largest: usize) -> Result<Self, Error> {
        let largest = i32::try_from(largest).unwrap_or(LARGEST_PAYLOAD).max(LARGEST_PAYLOAD);
        let source = Self { settings: settings.clone(), largest, session: None };
        // What is wrong with the words shows at the start.
        source.login("")?;
        Ok(source)
    }

    /// A session that failed is not used again.
    async fn page(&mut self, position: &Position) -> Result<Page, Error> {
        let patience = self.settings.timeout.0;
        let session = match self.session.take() {
            Some(session) => session,
            None => timeout(patience, self.open()).await.map_err(|_| Error::Silent)??,
        };
        let page = timeout(patience, self.ask(&session, position)).await.map_err(|_| Error::Silent)??;
        self.session = Some(session);
        Ok(page)
    }

    async fn ask(&self, session: &Session, position: &Position) -> Result<Page, Error> {
        let bound = session.client.query_one(&session.bound, &[&self.settings.readers]).await;
        let bound = bound.map_err(failed("see who writes"))?;
        if bound.get(2) {
            return Err(Error::Blind);
        }
        let (bound, now): (i64, i64) = (bound.get(0), bound.get(1));
        let before = Key { sequence: i64::MIN, ..Key::default() };
        let after = position.after.as_ref().unwrap_or(&before);
        let limit = i64::try_from(self.settings.page).unwrap_or(i64::MAX);
        let rows = session
            .client
            .query(
                &session.events,
                &[
                    &position.from.0,
                    &bound,
                    &Moment(now).plus(AHEAD).0,
                    &after.instance,
                    &after.aggregate_type,
                    &after.aggregate_id,
                    &after.sequence,
                    &limit,
                    &self.largest,
                ],
            )
            .await
            .map_err(failed("read events"))?;
        Ok(page(&rows, self.settings.page, Moment(bound), Moment(now)))
    }

    async fn open(&self) -> Result<Session, Error> {
        let login = self.settings.login_file.as_deref().map(files::secret).transpose()?;
        let config = self.login(login.as_deref().map_or("", String::as_str))?;
        let (client, driver) = match &self.settings.ca_file {
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed("log in"))?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
            Some(file) => {
                let tls = MakeRustlsConnect::new(std::sync::Arc::unwrap_or_clone(files::tls(file)?));
                let (client, connection) = config.connect(tls).await.map_err(failed("log in"))?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
        };
        let bound = client.prepare(BOUND).await.map_err(failed("prepare"))?;
        let events = client.prepare(EVENTS).await.map_err(failed("prepare"))?;
        Ok(Session { client, bound, events, driver })
    }

    /// Keywords of the configuration, then those of the login.
    fn login(&self, login: &str) -> Result<Config, Error> {
        let connection = self.settings.connection.as_deref().unwrap_or_default();
        // The parser's message may quote what it does not understand.
        let parsed = format!("{connection} {}", login.replace('\n', " ")).parse::<Config>();
        let mut config =
            parsed.map_err(|_| Error::Setting("connection and loginFile: not keywords of libpq".into()))?;
        config.application_name("blinkchamber-events").connect_timeout(self.settings.timeout.0);
        if self.settings.ca_file.is_some() {
            config.ssl_mode(SslMode::Require);
        }
        Ok(config)
    }
}

fn failed(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { what, source }
}

fn page(rows: &[Row], limit: usize, bound: Moment, now: Moment) -> Page {
    let mut page = Page {
        events: Vec::with_capacity(rows.len()),
        malformed: Vec::new(),
        covered: bound.previous(),
        next: None,
        now: Some(now),
    };
    for row in rows {
        match event(row) {
            Ok(event) => page.events.push(event),
            Err(malformed) => page.malformed.push(malformed),
        }
    }
    if let Some(last) = page.events.last().filter(|_| rows.len() == limit) {
        page.covered = last.created_at.previous().min(page.covered);
        page.next = Some(Position { from: last.created_at, after: Some(last.key.clone()) });
    }
    page
}

/// A text that is no UTF-8, which a database in SQL_ASCII may hold, is all that can be wrong with a row.
fn event(row: &Row) -> Result<Event, Malformed> {
    let (sequence, created_at) = (row.get::<_, i64>(3), Moment(row.get(5)));
    let text = |column: usize| {
        row.try_get::<_, String>(column).map_err(|_| Malformed {
            reason: format!("column {} is not UTF-8", row.columns().get(column).map_or("?", |column| column.name())),
            known: format!("sequence {sequence} of {created_at}"),
            mark: mark_of(&[&sequence.to_string(), &created_at.to_string()]),
            created_at: Some(created_at),
        })
    };
    let payload: Option<&str> = row.try_get(8).ok().flatten();
    let payload = match payload.and_then(|text| serde_json::value::RawValue::from_string(text.to_owned()).ok()) {
        Some(raw) => Payload::Json(raw),
        None if row.get(9) => Payload::TooLarge,
        None => Payload::None,
    };
    Ok(Event {
        key: Key { instance: text(0)?, aggregate_type: text(1)?, aggregate_id: text(2)?, sequence },
        kind: text(4)?,
        created_at,
        owner: text(6)?,
        editor: text(7)?,
        payload,
    })
}
