//! A stage: servers, the double, events, and the bridge as a process.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use blinkchamber_test_tools::postgres::Postgres;
use blinkchamber_test_tools::redis::Redis;
use blinkchamber_test_tools::{Running, free_port};
use redis::Commands;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zitadel_double::Double;

/// Types that the generator uses in turn, and the list where each belongs.
pub(crate) const TYPES: [(&str, &str); 9] = [
    ("session.added", "high"),
    ("user.human.added", "normal"),
    ("user.human.email.code.added", "low"),
    ("user.human.password.check.failed", "high"),
    ("org.added", "normal"),
    ("session.terminated", "high"),
    ("milestone.reached", "low"),
    ("quantum.entangled", "normal"),
    ("user.grant.added", "normal"),
];

/// Aggregates of the generator.
pub(crate) const AGGREGATES: u64 = 499;

/// Longer than anything here should take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) postgres: Postgres,
    /// Serves for as long as the stage stands.
    _double: Double,
    pub(crate) double_port: u16,
    pub(crate) owner_token: String,
    pub(crate) runtime: Runtime,
}

impl Stage {
    /// PostgreSQL, the double, and a file `pat` with the token of a user who may read events.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let postgres = Postgres::start(directory.path());
        let double_port = free_port();
        let file = |name: &str| directory.path().join(name);
        fs::write(file("masterkey"), "x".repeat(32)).expect("written");
        let config = format!(
            "Port: {double_port}\nExternalSecure: false\nFirstInstance: {{PatPath: '{}'}}\nDatabase: {{postgres: {{Host: 127.0.0.1, \
             Port: {}, Database: zitadel, User: {{Username: zitadel, Password: zitadel, SSL: {{Mode: disable}}}}}}}}\n",
            file("admin").display(),
            postgres.port()
        );
        fs::write(file("zitadel.yaml"), config).expect("written");
        let double = Double::start(&file("zitadel.yaml"), &file("masterkey")).expect("the double starts");
        let owner_token = fs::read_to_string(file("admin")).expect("a token").trim().to_owned();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let stage = Self { directory, postgres, _double: double, double_port, owner_token, runtime };
        until("the double listens", || TcpStream::connect(("127.0.0.1", double_port)).ok().map(drop));
        let (_, token) = stage.new_pat(None);
        fs::write(stage.file("pat"), token).expect("written");
        stage.sql("DELETE FROM eventstore.events2");
        stage
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Asks the double as its owner.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.double_port)).expect("the double listens");
        let (body, token) = (body.to_string(), &self.owner_token);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// A new token for the reader of events, or for a user; gives the user and the token.
    pub(crate) fn new_pat(&self, user: Option<&str>) -> (String, String) {
        let user = user.map_or_else(
            || {
                let made = self.ask("POST", "/management/v1/users/machine", &json!({"userName": "events"}));
                let id = made["userId"].as_str().expect("an id").to_owned();
                self.ask("POST", "/admin/v1/members", &json!({"userId": id, "roles": ["IAM_OWNER_VIEWER"]}));
                id
            },
            str::to_owned,
        );
        let made = self.ask("POST", &format!("/management/v1/users/{user}/pats"), &json!({}));
        (user, made["token"].as_str().expect("a token").to_owned())
    }

    pub(crate) fn connect(&self) -> tokio_postgres::Client {
        let text = format!("host=127.0.0.1 port={} user=zitadel password=zitadel dbname=zitadel", self.postgres.port());
        self.runtime.block_on(async {
            loop {
                if let Ok((client, connection)) = tokio_postgres::connect(&text, tokio_postgres::NoTls).await {
                    tokio::spawn(connection);
                    return client;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    }

    pub(crate) fn sql(&self, statements: &str) {
        let client = self.connect();
        self.runtime.block_on(client.batch_execute(statements)).expect("the statements are run");
    }

    /// Stores the events with these numbers, in one transaction.
    pub(crate) fn insert(&self, client: &tokio_postgres::Client, numbers: std::ops::Range<u64>) {
        self.runtime.block_on(client.batch_execute(&insert(numbers, "0 s"))).expect("events are stored");
    }

    /// A configuration: the admin API and the server, unless `more` says otherwise.
    pub(crate) fn config(&self, name: &str, redis: &Redis, more: &str) -> PathBuf {
        let text = format!("{}{}{more}", self.source(), target(redis));
        self.write_config(name, &text)
    }

    pub(crate) fn write_config(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        // As a ConfigMap arrives: whole.
        let new = self.file(&format!("{name}.new"));
        fs::write(&new, text).expect("written");
        fs::rename(new, &file).expect("renamed");
        file
    }

    pub(crate) fn source(&self) -> String {
        let (port, pat) = (self.double_port, self.file("pat"));
        format!(
            "source: {{url: 'http://127.0.0.1:{port}', tokenFile: '{}', instance: instance, poll: 50ms, overlap: 8s, timeout: 3s}}\n",
            pat.display()
        )
    }

    /// The source `postgres` in place of the admin API.
    pub(crate) fn table(&self) -> String {
        format!(
            "source: {{kind: postgres, connection: 'host=127.0.0.1 port={} user=zitadel password=zitadel dbname=zitadel', \
             overlap: 8s, timeout: 3s}}\n",
            self.postgres.port()
        )
    }
}

/// The part of a configuration that names one server.
pub(crate) fn target(redis: &Redis) -> String {
    format!("redis: {{groups: {{main: {{address: '{}'}}}}, timeout: 2s}}\nelection: {{term: 2s}}\n", redis.address())
}

/// Statement that stores events dated `back` before the clock.
pub(crate) fn insert(numbers: std::ops::Range<u64>, back: &str) -> String {
    let kinds = TYPES.map(|(kind, _)| format!("'{kind}'")).join(",");
    format!(
        "INSERT INTO eventstore.events2 SELECT 'instance', 'user', (n % {AGGREGATES})::text, (ARRAY[{kinds}])[1 + n % {}], \
         n / {AGGREGATES} + 1, 1, clock_timestamp() - interval '{back}', '{{\"userName\": \"u\", \"code\": \"123456\"}}', 'c', 'o', \
         extract(epoch FROM now() - interval '{back}'), n FROM generate_series({}, {}) n ORDER BY n",
        TYPES.len(),
        numbers.start,
        numbers.end - 1
    )
}

/// The bridge as a process.
pub(crate) struct Bridge {
    pub(crate) running: Running,
    port: u16,
}

impl Bridge {
    /// Starts it; its log goes into a file beside the configuration.
    pub(crate) fn start(config: &Path, identity: &str) -> Self {
        let port = free_port();
        let own = config.with_extension(format!("{identity}.yaml"));
        let text = fs::read_to_string(config).expect("a configuration");
        fs::write(&own, format!("{text}admin: 127.0.0.1:{port}\n")).expect("written");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(config.with_extension(format!("{identity}.log")))
            .expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_blinkchamber-events"));
        command.args(["serve", "--identity", identity, "--config"]).arg(&own).stdin(Stdio::null()).stderr(log);
        Self { running: Running::start(&mut command), port }
    }

    /// The value of a series, 0 when there is none.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.0 200").then_some(answer)
    }

    pub(crate) fn waits_for(&self, series: &str) {
        until(series, || (self.metric(series) > 0.0).then_some(()));
    }

    /// Tells it to end, and waits.
    pub(crate) fn terminate(self) {
        let id = self.running.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        let gone = || {
            fs::read_to_string(format!("/proc/{id}/stat")).map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
        };
        until("the bridge ends", gone);
    }
}

/// Runs a command of the program; gives its exit code and what it said.
pub(crate) fn command(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_blinkchamber-events")).args(arguments).output().expect("a program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn client(port: u16) -> redis::Connection {
    redis::Client::open(format!("redis://127.0.0.1:{port}"))
        .and_then(|client| client.get_connection())
        .expect("Redis answers")
}

/// How many events are in the lists of a prefix.
pub(crate) fn count(redis: &mut redis::Connection, prefix: &str) -> u64 {
    ["high", "normal", "low"]
        .iter()
        .map(|queue| redis.llen::<_, u64>(format!("{prefix}:{queue}")).unwrap_or_default())
        .sum()
}

/// Proves that the events 0..count are all there, once, each in its list and in the order of its aggregate there.
pub(crate) fn assert_complete(redis: &mut redis::Connection, prefix: &str, count: u64) {
    let mut seen = HashSet::new();
    for queue in ["high", "normal", "low"] {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let entries: Vec<String> = redis.lrange(format!("{prefix}:{queue}"), 0, -1).expect("a list");
        for entry in entries {
            let event: Value = serde_json::from_str(&entry).expect("readable JSON");
            let aggregate: u64 = event["aggregate_id"].as_str().and_then(|id| id.parse().ok()).expect("an aggregate");
            let sequence = event["sequence"].as_u64().expect("a sequence");
            let number = (sequence - 1) * AGGREGATES + aggregate;
            let (kind, expected) = TYPES[usize::try_from(number).expect("small") % TYPES.len()];
            assert_eq!((event["type"].as_str(), queue), (Some(kind), expected), "{entry}");
            assert!(!entry.contains("123456"), "a code got out: {entry}");
            assert!(seen.insert(number), "twice: {entry}");
            let before = last.insert(aggregate, sequence);
            assert!(before < Some(sequence), "{queue}: aggregate {aggregate} has {sequence} after {before:?}");
        }
    }
    let missing: Vec<u64> = (0..count).filter(|number| !seen.contains(number)).collect();
    assert!(
        missing.is_empty(),
        "{} of {count} are lost, such as {:?}",
        missing.len(),
        &missing[..missing.len().min(10)]
    );
    assert_eq!(seen.len() as u64, count);
}

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An API server whose Lease anybody can have at any time; gives the part of a configuration that names it.
pub(crate) fn generous_api_server(stage: &Stage) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok() {
                let body = r#"{"metadata":{"resourceVersion":"1"},"spec":{}}"#;
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                // A client that is gone has its answer.
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        }
    });
    fs::write(stage.file("api-token"), "token").expect("written");
    format!(
        "election: {{kind: lease, lease: identity/events, term: 2s, apiAddress: 'http://{address}', apiTokenFile: '{}'}}\n",
        stage.file("api-token").display()
    )
}
