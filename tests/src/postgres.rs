//! A client of PostgreSQL that writes at a fixed rate and afterwards looks for every acknowledged row.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::bao::Operator;
use crate::cluster::{service_address, uid};
use crate::load::{Load, Seen, Session};
use crate::node::processes;
use crate::wait;

/// Where applications find PostgreSQL; PgPool's certificate names it.
pub const HOST: &str = "postgresql-ha-postgresql.database.svc";

/// Longer than any client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// One row in so much time.
const PACE: Duration = Duration::from_millis(20);

/// Who logs in.
#[derive(Clone)]
pub struct Login {
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
}

impl Login {
    /// The user of database `zitadel` that applications are told to use at this moment.
    #[track_caller]
    pub fn of_the_moment(operator: &Operator) -> Self {
        let data = operator.request("GET", "secret/data/zitadel/postgres", None).1;
        let text = |key: &str| data["data"]["data"][key].as_str().expect("the key is there").to_owned();
        Self { user: text("username"), password: text("password") }
    }
}

/// What opens sessions through PgPool, over TLS with a verified name.
#[derive(Clone)]
pub struct Door {
    tls: MakeRustlsConnect,
    address: IpAddr,
}

impl Door {
    /// Trusts the platform's authority, and nobody else.
    #[track_caller]
    pub fn new(operator: &Operator) -> Self {
        let tls = MakeRustlsConnect::new(operator.trust());
        let address = service_address("database", "postgresql-ha-postgresql").parse().expect("an address");
        Self { tls, address }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn open(&self, login: &Login, database: &str) -> Result<Client, String> {
        let mut config = Config::new();
        config
            .host(HOST)
            .hostaddr(self.address)
            .port(5432)
            .dbname(database)
            .user(&login.user)
            .password(&login.password);
        config.ssl_mode(SslMode::Require).connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE);
        let opened = timeout(PATIENCE, config.connect(self.tls.clone())).await;
        let (client, connection) =
            opened.map_err(|_| "no answer to the login".to_owned())?.map_err(|error| said(&error))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs statements in a session of its own, and gives the first column of the last answer's rows.
    ///
    /// # Errors
    /// What the server or the network said.
    pub fn ask(&self, login: &Login, database: &str, statements: &str) -> Result<Vec<String>, String> {
        runtime().block_on(async {
            let client = self.open(login, database).await?;
            let asked = timeout(Duration::from_secs(30), client.simple_query(statements)).await;
            let answers = asked.map_err(|_| "no answer".to_owned())?.map_err(|error| said(&error))?;
            let rows = answers.into_iter().filter_map(|answer| match answer {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            Ok(rows.collect())
        })
    }

    /// Where a login's address leads: without a secret, for messages.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((self.address, 5432))
    }
}

/// A client that writes rows.
pub struct Writer {
    door: Door,
    login: Login,
    base: i64,
    load: Load,
}

impl Writer {
    /// Begins to write 50 rows a second into table `probe` of database `zitadel`, each login with what `login` gives.
    #[track_caller]
    pub fn start(door: &Door, session: Session, login: impl Fn() -> Login + Send + 'static) -> Self {
        let first = login();
        door.ask(&first, "zitadel", "CREATE TABLE IF NOT EXISTS probe (id bigint PRIMARY KEY)")
            .expect("the table is made");
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
        let base = i64::try_from(micros).expect("small") * 1000;
        let (path, runtime, mut open) = (door.clone(), runtime(), None);
        let load = Load::start(PACE, Duration::from_secs(300), move |number, seen| {
            let id = base + number;
            // Outside of the runtime: it asks OpenBao and waits for the answer.
            let login = open.is_none().then(&login);
            let client = runtime.block_on(insert(&path, open.take(), login.as_ref(), id))?;
            open = (session == Session::Kept).then_some(client);
            seen.acknowledged.push(id);
            Ok(())
        });
        Self { door: door.clone(), login: first, base, load }
    }

    /// Waits for rows that are acknowledged from now on.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        self.load.goes_on(what);
    }

    /// Ends, and proves that every acknowledged row is there.
    #[track_caller]
    pub fn finish(self, login: Option<&Login>) -> Seen {
        let seen = self.load.end();
        let question = format!("SELECT id FROM probe WHERE id >= {}", self.base);
        let login = login.unwrap_or(&self.login);
        let found =
            wait::until("the rows are read", Duration::from_secs(60), || self.door.ask(login, "zitadel", &question));
        let found: BTreeSet<i64> = found.iter().filter_map(|id| id.parse().ok()).collect();
        let lost = seen.acknowledged.iter().filter(|id| !found.contains(id)).count();
        assert_eq!(lost, 0, "acknowledged rows that are gone, of {}", seen.acknowledged.len());
        seen
    }
}

/// Ends a member's Patroni and its server at once, in place.
#[track_caller]
pub fn kill_member(pod: &str) {
    let uid = uid("database", pod);
    for name in ["patroni", "postgres"] {
        for process in processes(&uid).iter().filter(|process| process.command.contains(name)) {
            // A child may end with its parent.
            Command::new("kill").args(["-KILL", &process.pid.to_string()]).status().ok();
        }
    }
}

/// Inserts one row in the open session, or in a new one, and gives the session.
async fn insert(door: &Door, open: Option<Client>, login: Option<&Login>, id: i64) -> Result<Client, String> {
    let client = match (open, login) {
        (Some(client), _) => client,
        (None, Some(login)) => door.open(login, "zitadel").await?,
        (None, None) => return Err("nobody to log in as".to_owned()),
    };
    match timeout(PATIENCE, client.batch_execute(&format!("INSERT INTO probe VALUES ({id})"))).await {
        Ok(Ok(())) => Ok(client),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err("no answer to the statement".to_owned()),
    }
}

/// The server's own message where there is one; never a parameter of the session.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => answer.message().to_owned(),
        None => error.to_string(),
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}
