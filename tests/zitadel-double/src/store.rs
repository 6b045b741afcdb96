//! The event store in PostgreSQL: ZITADEL's table `eventstore.events2` (columns and key as its migration
//! `08_events_table.sql` makes them) and what the double itself remembers in a schema of its own.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Timeouts};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::Database;
use crate::error::Error;
use crate::tls;

/// The one instance of a double.
pub(crate) const INSTANCE: &str = "instance";

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE SCHEMA IF NOT EXISTS eventstore;
CREATE SCHEMA IF NOT EXISTS zitadel_double;
";

const TABLES: &str = r#"
CREATE TABLE IF NOT EXISTS eventstore.events2 (
  instance_id text NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  event_type text NOT NULL,
  "sequence" bigint NOT NULL,
  revision smallint NOT NULL,
  created_at timestamptz NOT NULL,
  payload jsonb,
  creator text NOT NULL,
  "owner" text NOT NULL,
  "position" numeric NOT NULL,
  in_tx_order integer NOT NULL,
  PRIMARY KEY (instance_id, aggregate_type, aggregate_id, "sequence")
);
CREATE INDEX IF NOT EXISTS es_position ON eventstore.events2 ("position", in_tx_order);
CREATE INDEX IF NOT EXISTS es_active_instances ON eventstore.events2 (created_at DESC, instance_id);
CREATE TABLE IF NOT EXISTS zitadel_double.instance (id text PRIMARY KEY, masterkey_check bytea NOT NULL);
CREATE TABLE IF NOT EXISTS zitadel_double.tokens (hash bytea PRIMARY KEY, user_id text NOT NULL, role text NOT NULL);
ALTER TABLE zitadel_double.tokens ADD COLUMN IF NOT EXISTS id text;
CREATE TABLE IF NOT EXISTS zitadel_double.members (user_id text PRIMARY KEY, role text NOT NULL);
"#;

/// All events of a transaction have its start as their position.
const PUSH: &str = r#"
INSERT INTO eventstore.events2
SELECT $1, $2, $3, $4, coalesce(max("sequence"), 0) + 1, 1, clock_timestamp(), $5, $6, $7, extract(epoch FROM now()),
  (SELECT count(*) FROM eventstore.events2 WHERE "position" = extract(epoch FROM now()))
FROM eventstore.events2 WHERE instance_id = $1 AND aggregate_type = $2 AND aggregate_id = $3
RETURNING "sequence"
"#;

/// A pool of connections with the login of the start.
pub(crate) struct Store {
    pool: Pool,
}

/// An event to be stored.
pub(crate) struct NewEvent<'a> {
    pub(crate) aggregate: (&'a str, &'a str),
    pub(crate) kind: &'a str,
    pub(crate) payload: Value,
    pub(crate) creator: &'a str,
    pub(crate) owner: &'a str,
}

/// Who a token belongs to.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) user: String,
    pub(crate) role: String,
}

impl Store {
    pub(crate) fn connect(database: &Database) -> Result<Self, Error> {
        let mut config = Config::new();
        config
            .host(&database.host)
            .port(database.port)
            .dbname(&database.name)
            .user(&database.user)
            .password(&database.password)
            .connect_timeout(PATIENCE)
            .application_name("zitadel");
        let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &database.root_certificate {
            None => Manager::from_config(config, NoTls, fast),
            Some(authority) => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                Manager::from_config(config, MakeRustlsConnect::new(tls::client(authority)?), fast)
            }
        };
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let pool = Pool::builder(manager)
            .max_size(database.connections)
            .timeouts(timeouts)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Pool { reason: error.to_string() })?;
        Ok(Self { pool })
    }

    pub(crate) async fn client(&self) -> Result<Object, Error> {
        self.pool.get().await.map_err(|error| Error::Pool { reason: error.to_string() })
    }

    pub(crate) async fn make_schema(&self) -> Result<(), Error> {
        self.client().await?.batch_execute(SCHEMA).await.map_err(database("make the schema"))
    }

    pub(crate) async fn make_tables(&self) -> Result<(), Error> {
        self.client().await?.batch_execute(TABLES).await.map_err(database("make the tables"))
    }

    /// The check value of the master key the instance was set up with.
    pub(crate) async fn masterkey_check(&self) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT masterkey_check FROM zitadel_double.instance WHERE id = $1";
        let row = self.client().await?.query_opt(sql, &[&INSTANCE]).await.map_err(database("read the instance"))?;
        Ok(row.map(|row| row.get(0)))
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.client().await?.simple_query("SELECT 1").await.map_err(database("ask"))?;
        Ok(())
    }

    pub(crate) async fn owner_of(&self, hash: &[u8]) -> Result<Option<Owner>, Error> {
        let sql = "SELECT user_id, role FROM zitadel_double.tokens WHERE hash = $1";
        let row = self.client().await?.query_opt(sql, &[&hash]).await.map_err(database("look a token up"))?;
        Ok(row.map(|row| Owner { user: row.get(0), role: row.get(1) }))
    }

    /// Gives a user a role in the instance.
    pub(crate) async fn set_role(&self, user: &str, role: &str) -> Result<(), Error> {
        let sql = "INSERT INTO zitadel_double.members VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET role = $2";
        self.client().await?.execute(sql, &[&user, &role]).await.map_err(database("store a role"))?;
        Ok(())
    }

    /// Stores a token with the user's role; gives its id.
    pub(crate) async fn add_token(&self, user: &str, hash: &[u8]) -> Result<String, Error> {
        let id = new_id();
        let sql = "INSERT INTO zitadel_double.tokens (hash, user_id, role, id)
                   SELECT $1, $2, coalesce((SELECT role FROM zitadel_double.members WHERE user_id = $2), 'NONE'), $3";
        self.client().await?.execute(sql, &[&hash, &user, &id]).await.map_err(database("store a token"))?;
        Ok(id)
    }

    /// Whether there was such a token.
    pub(crate) async fn remove_token(&self, user: &str, id: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM zitadel_double.tokens WHERE user_id = $1 AND id = $2";
        let count = self.client().await?.execute(sql, &[&user, &id]).await.map_err(database("remove a token"))?;
        Ok(count > 0)
    }

    /// Stores one event in a transaction of its own.
    pub(crate) async fn push(&self, event: &NewEvent<'_>) -> Result<i64, Error> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(database("begin"))?;
        let sequence = push(&transaction, event).await?;
        transaction.commit().await.map_err(database("commit"))?;
        Ok(sequence)
    }

    pub(crate) async fn search(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.client().await?.query(sql, values).await.map_err(database("search events"))
    }
}

/// Stores an event within a transaction, whose name is what a reader looks for to hold back behind open pushers.
pub(crate) async fn push(transaction: &tokio_postgres::Transaction<'_>, event: &NewEvent<'_>) -> Result<i64, Error> {
    let (aggregate_type, aggregate_id) = event.aggregate;
    transaction
        .batch_execute("SET LOCAL application_name = 'zitadel_es_pusher'")
        .await
        .map_err(database("name the transaction"))?;
    let values: [&(dyn ToSql + Sync); 7] =
        [&INSTANCE, &aggregate_type, &aggregate_id, &event.kind, &event.payload, &event.creator, &event.owner];
    let row = transaction.query_one(PUSH, &values).await.map_err(database("store an event"))?;
    Ok(row.get(0))
}

pub(crate) fn database(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { what, source }
}

/// An identifier for a new thing: digits, as ZITADEL's are.
pub(crate) fn new_id() -> String {
    jiff::Timestamp::now().as_nanosecond().to_string()
}
