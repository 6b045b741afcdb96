//! A client of Redis that writes at a fixed rate and afterwards looks for every acknowledged write.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::bao::Operator;
use crate::cluster::service_address;
use crate::load::{Load, Seen, Session};
use crate::wait;

/// Longer than any client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// One write in so much time.
const PACE: Duration = Duration::from_millis(20);
/// As often as an agent looks for a new password.
const POLL: Duration = Duration::from_secs(2);

/// What opens connections: TLS with a verified name, trusting the platform's authority and nobody else. Addresses of
/// Services stay, so each is asked for once.
#[derive(Clone)]
pub struct Door {
    config: Arc<ClientConfig>,
    addresses: Arc<Mutex<BTreeMap<String, IpAddr>>>,
}

impl Door {
    /// With the authority that OpenBao names.
    #[track_caller]
    pub fn new(operator: &Operator) -> Self {
        Self { config: Arc::new(operator.trust()), addresses: Arc::default() }
    }

    /// A connection to a port of a Service (`name.namespace.svc`), logged in.
    ///
    /// # Errors
    /// What went wrong, or what the server answered.
    pub fn open(&self, host: &str, port: u16, login: &Login) -> Result<Connection, String> {
        let text = |error: std::io::Error| error.kind().to_string();
        let address = SocketAddr::from((self.address(host), port));
        let socket = TcpStream::connect_timeout(&address, PATIENCE).map_err(text)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(text)?;
        socket.set_nodelay(true).map_err(text)?;
        let name = ServerName::try_from(host.to_owned()).expect("a host name");
        let tls = ClientConnection::new(Arc::clone(&self.config), name).map_err(|error| error.to_string())?;
        let mut connection = Connection(BufReader::new(StreamOwned::new(tls, socket)));
        connection.call(&["AUTH", &login.user, &login.password])?;
        Ok(connection)
    }

    /// Of a Service.
    #[track_caller]
    pub fn address(&self, host: &str) -> IpAddr {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        *addresses.entry(host.to_owned()).or_insert_with(|| {
            let mut names = host.split('.');
            let (Some(service), Some(namespace)) = (names.next(), names.next()) else { panic!("{host}: no Service") };
            service_address(namespace, service).parse().expect("an address")
        })
    }
}

/// Who logs in.
#[derive(Clone)]
pub struct Login {
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
}

impl Login {
    /// The user that needs no password and may ask how the server is.
    pub fn health() -> Self {
        Self { user: "health".to_owned(), password: "any".to_owned() }
    }

    /// A user with the password that a secret holds under its name.
    #[track_caller]
    pub fn of_the_moment(operator: &Operator, secret: &str, user: &str) -> Self {
        let answer = operator.request("GET", &format!("secret/data/{secret}"), None).1;
        let password = answer["data"]["data"][user].as_str().unwrap_or_else(|| panic!("{secret} has no {user}"));
        Self { user: user.to_owned(), password: password.to_owned() }
    }
}

/// One connection.
pub struct Connection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Connection {
    /// Sends a command, and gives the parts of the answer as texts: one for a plain answer, none for a nil.
    ///
    /// # Errors
    /// What went wrong, or what the server answered.
    pub fn call(&mut self, words: &[&str]) -> Result<Vec<String>, String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(request.as_bytes()).map_err(|error| error.kind().to_string())?;
        let mut parts = Vec::new();
        self.read(&mut parts)?;
        Ok(parts)
    }

    fn read(&mut self, parts: &mut Vec<String>) -> Result<(), String> {
        let mut line = String::new();
        self.0.read_line(&mut line).map_err(|error| error.kind().to_string())?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or("closed by the server")?;
        let length = || rest.parse::<i64>().map_err(|_| format!("odd answer {line:?}"));
        match kind {
            "-" => return Err(rest.split(',').next().unwrap_or(rest).to_owned()),
            "$" => {
                if let Ok(length) = usize::try_from(length()?) {
                    let mut bytes = vec![0; length + 2];
                    self.0.read_exact(&mut bytes).map_err(|error| error.kind().to_string())?;
                    parts.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
                }
            }
            "*" => {
                for _ in 0..length()?.max(0) {
                    self.read(parts)?;
                }
            }
            _ => parts.push(rest.to_owned()),
        }
        Ok(())
    }
}

/// The password of a user as its pods have it: looked up every two seconds, as an agent does.
#[derive(Clone)]
pub struct Password {
    current: Arc<Mutex<Login>>,
    _poll: Arc<Stop>,
}

/// Ends the thread when the last owner is gone.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Password {
    /// Begins to look.
    #[track_caller]
    pub fn follow(secret: &'static str, user: &'static str) -> Self {
        let operator = Operator::login();
        let current = Arc::new(Mutex::new(Login::of_the_moment(&operator, secret, user)));
        let ended = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&current), Arc::clone(&ended));
        spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                sleep(POLL);
                let login = Login::of_the_moment(&operator, secret, user);
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = login;
            }
        });
        Self { current, _poll: Arc::new(Stop(ended)) }
    }

    /// What the file holds now.
    pub fn now(&self) -> Login {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A client that pushes numbers.
pub struct Writer {
    door: Door,
    host: String,
    password: Password,
    key: String,
    load: Load,
}

/// What it saw, and what was there in the end.
pub struct Report {
    /// What it saw; a replica's confirmation is that of `WAIT`.
    pub seen: Seen,
    /// Acknowledged writes that were not there in the end, and confirmed ones.
    pub lost: (usize, usize),
}

impl Writer {
    /// Begins to push 50 numbers a second onto a list of its own.
    #[track_caller]
    pub fn start(door: &Door, host: &str, session: Session, password: &Password) -> Self {
        let key = format!("app:probe:{:x}", fastrand::u64(..));
        let work = (door.clone(), host.to_owned(), password.clone(), key.clone());
        let mut open = None;
        let load = Load::start(PACE, Duration::from_secs(120), move |number, seen| {
            let (door, host, password, key) = &work;
            let mut connection = match open.take() {
                Some(connection) => connection,
                None => door.open(host, 6379, &password.now())?,
            };
            push(&mut connection, key, number, seen)?;
            open = (session == Session::Kept).then_some(connection);
            Ok(())
        });
        Self { door: door.clone(), host: host.to_owned(), password: password.clone(), key, load }
    }

    /// Waits for writes that are acknowledged from now on.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        self.load.goes_on(what);
    }

    /// Ends, and looks for every write.
    #[track_caller]
    pub fn finish(self) -> Report {
        let seen = self.load.end();
        let found = wait::until("the list is read", Duration::from_secs(60), || {
            self.door.open(&self.host, 6379, &self.password.now())?.call(&["LRANGE", &self.key, "0", "-1"])
        });
        let found: BTreeSet<i64> = found.iter().filter_map(|number| number.parse().ok()).collect();
        let acknowledged = seen.acknowledged.iter().filter(|number| !found.contains(number)).count();
        let confirmed = seen.confirmed.difference(&found).count();
        Report { seen, lost: (acknowledged, confirmed) }
    }
}

impl Report {
    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{} writes acknowledged, {} lost; {} confirmed by a replica, {} lost; {}",
            self.seen.acknowledged.len(),
            self.lost.0,
            self.seen.confirmed.len(),
            self.lost.1,
            self.seen.troubles()
        )
    }
}

fn push(connection: &mut Connection, key: &str, number: i64, seen: &mut Seen) -> Result<(), String> {
    connection.call(&["RPUSH", key, &number.to_string()])?;
    seen.acknowledged.push(number);
    if connection.call(&["WAIT", "1", "50"])?.first().is_some_and(|replicas| replicas != "0") {
        seen.confirmed.insert(number);
    }
    Ok(())
}
