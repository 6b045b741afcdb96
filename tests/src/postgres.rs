//! A client of PostgreSQL that writes at a fixed rate and afterwards looks for every acknowledged row.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::bao::Operator;
use crate::cluster::service_address;
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
        let answer = operator.request("GET", "pki/cert/ca", None).1;
        let pem = answer["data"]["certificate"].as_str().expect("the platform has an authority");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("an authority");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let tls = MakeRustlsConnect::new(builder.with_root_certificates(roots).with_no_client_auth());
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

/// What a writer holds on to.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Session {
    /// One session, opened again only when it breaks.
    Kept,
    /// A session for each row.
    Fresh,
}

/// A client at work.
pub struct Writer {
    door: Door,
    login: Login,
    base: i64,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicI64>,
    thread: JoinHandle<Report>,
}

/// What a client saw.
#[derive(Default)]
pub struct Report {
    /// Rows that it was told are written.
    pub acknowledged: Vec<i64>,
    /// What it was told instead, and how often.
    pub errors: BTreeMap<String, usize>,
    /// The longest time between two acknowledged rows.
    pub gap: Duration,
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
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let thread = {
            let (door, stop, acknowledged) = (door.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            std::thread::spawn(move || write(&door, session, &login, base, &stop, &acknowledged))
        };
        let writer = Self { door: door.clone(), login: first, base, stop, acknowledged, thread };
        writer.goes_on("the writer's first rows");
        writer
    }

    /// Waits for rows that are acknowledged from now on.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        wait::until_true(what, Duration::from_secs(300), || self.acknowledged.load(Ordering::Relaxed) >= before + 5);
    }

    /// Ends, and proves that every acknowledged row is there.
    #[track_caller]
    pub fn finish(self, login: Option<&Login>) -> Report {
        self.stop.store(true, Ordering::Relaxed);
        let report = self.thread.join().expect("the writer ends");
        let question = format!("SELECT id FROM probe WHERE id >= {}", self.base);
        let login = login.unwrap_or(&self.login);
        let found =
            wait::until("the rows are read", Duration::from_secs(60), || self.door.ask(login, "zitadel", &question));
        let found: std::collections::BTreeSet<i64> = found.iter().filter_map(|id| id.parse().ok()).collect();
        let lost = report.acknowledged.iter().filter(|id| !found.contains(id)).count();
        assert_eq!(lost, 0, "acknowledged rows that are gone, of {}", report.acknowledged.len());
        report
    }
}

impl Report {
    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{} rows acknowledged, none lost, longest pause {:.1} s, {} errors {:?}",
            self.acknowledged.len(),
            self.gap.as_secs_f32(),
            self.errors.values().sum::<usize>(),
            self.errors
        )
    }
}

fn write(
    door: &Door,
    session: Session,
    login: &impl Fn() -> Login,
    base: i64,
    stop: &AtomicBool,
    count: &AtomicI64,
) -> Report {
    let runtime = runtime();
    let mut report = Report::default();
    let (mut client, mut id, mut last) = (None, base, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        id += 1;
        // Outside of the runtime: it asks OpenBao and waits for the answer.
        let login = client.is_none().then(login);
        match runtime.block_on(insert(door, client.take(), login.as_ref(), id)) {
            Ok(open) => {
                client = (session == Session::Kept).then_some(open);
                report.gap = report.gap.max(last.elapsed());
                last = Instant::now();
                report.acknowledged.push(id);
                count.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => *report.errors.entry(error).or_default() += 1,
        }
        runtime.block_on(async { tokio::time::sleep(PACE.saturating_sub(begun.elapsed())).await });
    }
    report
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
