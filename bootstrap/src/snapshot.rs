//! `snapshot`: all of OpenBao in one file, encrypted with the key of its seal; saved, listed, and restored.
//!
//! The server that leads must be asked itself: the others answer with its address. A snapshot of a cluster can be
//! restored into a new one with the same seal.

pub mod schedule;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::blocking::{Body, Client};
use secrecy::{ExposeSecret as _, SecretString};

use crate::server::{at, client_builder, describe};
use crate::{Failure, access, marker};

/// Roles that may do one of the two and nothing else.
const SAVER: &str = "blinkchamber-snapshot";
const RESTORER: &str = "blinkchamber-restore";
/// Names of the files of a schedule: the time in UTC between the two sorts them.
const HEAD: &str = "openbao-";
const TAIL: &str = ".snap";
const WAIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// A large store on a slow disk.
const PATIENCE: Duration = Duration::from_secs(600);

/// Settings of `snapshot`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Save one, to a file, to standard output (-), or to a directory, where only the newest are kept.
    Save(Save),
    /// Save one into a directory whenever the newest is too old, for as long as it runs.
    Keep(schedule::Keep),
    /// Tell whether the newest of a directory is young enough; 1 when it is not.
    Fresh(schedule::Fresh),
    /// List those of a directory.
    List {
        /// The directory.
        directory: PathBuf,
    },
    /// Make the server what it was; everything written since is lost.
    Restore(Restore),
}

/// Settings of `snapshot save`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Save {
    /// A file, a directory, or - for standard output.
    pub target: PathBuf,
    /// How many to keep in a directory.
    #[arg(long, env = "BLINKCHAMBER_SNAPSHOTS_KEPT", default_value_t = 28)]
    pub keep: usize,
    /// Role to log in with; it may read snapshots and nothing else.
    #[arg(long, env = "BLINKCHAMBER_ROLE", default_value = SAVER)]
    pub role: String,
    /// The server.
    #[command(flatten)]
    pub access: access::Options,
}

/// Settings of `snapshot restore`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Restore {
    /// The file, or - for standard input.
    pub source: PathBuf,
    /// `namespace/name` of the ConfigMap that remembers the cluster: it becomes the restored one.
    #[arg(long, env = "BLINKCHAMBER_MARKER")]
    pub marker: Option<String>,
    /// The server.
    #[command(flatten)]
    pub access: access::Options,
}

/// Saves, lists or restores.
///
/// # Errors
/// [`Failure`] with what could not be read, written or reached.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    match &options.command {
        Command::Save(save) => self::save(save, &log_in(&save.access, &save.role)?, out),
        Command::Keep(options) => schedule::keep(options, out),
        Command::Fresh(options) => schedule::fresh(options, out),
        Command::List { directory } => {
            for (name, bytes) in list(directory)? {
                writeln!(out, "{name}  {bytes}").map_err(|error| unwritable(directory, &error))?;
            }
            Ok(())
        }
        Command::Restore(restore) => self::restore(restore, &log_in(&restore.access, RESTORER)?, out),
    }
}

/// Saves a snapshot with this token.
///
/// # Errors
/// As [`run`]; a file that is not complete is not left under its name.
pub fn save(options: &Save, token: &SecretString, out: &mut impl Write) -> Result<(), Failure> {
    let leader = Leader::find(&options.access, token)?;
    if options.target == Path::new("-") {
        return leader.download(out).map(drop);
    }
    let scheduled = options.target.is_dir();
    let path = if scheduled {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        options.target.join(format!("{HEAD}{time}{TAIL}"))
    } else {
        options.target.clone()
    };
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let failed = |error: io::Error| unwritable(&path, &error);
    // One that broke off before is not worth keeping.
    fs::remove_file(&unfinished).ok();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let bytes = leader.download(&mut file).inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    file.sync_all().and_then(|()| fs::rename(&unfinished, &path)).map_err(failed)?;
    writeln!(out, "snapshot: {} holds {bytes} bytes", path.display()).ok();
    if scheduled {
        let all = list(&options.target)?;
        for (name, _) in all.iter().rev().skip(options.keep.max(1)) {
            fs::remove_file(options.target.join(name)).map_err(failed)?;
            writeln!(out, "snapshot: {name} is removed, {} newer ones are there", options.keep).ok();
        }
    }
    Ok(())
}

/// Restores with this token, waits until the server is back, and remembers its cluster.
///
/// # Errors
/// As [`run`].
pub fn restore(options: &Restore, token: &SecretString, out: &mut impl Write) -> Result<(), Failure> {
    let leader = Leader::find(&options.access, token)?;
    let body = if options.source == Path::new("-") {
        let mut all = Vec::new();
        io::stdin().read_to_end(&mut all).map_err(|error| unreadable(&options.source, &error))?;
        Body::from(all)
    } else {
        Body::from(File::open(&options.source).map_err(|error| unreadable(&options.source, &error))?)
    };
    leader.upload(body)?;
    writeln!(out, "snapshot: taken; the server opens it").ok();
    let id = opened(&options.access)?;
    if let Some(marker) = &options.marker {
        marker::replace(&options.access.api, marker, &id)?;
    }
    writeln!(out, "snapshot: restored cluster {id}").ok();
    Ok(())
}

/// Those of a directory, oldest first, with their sizes in bytes.
///
/// # Errors
/// [`Failure::Unreachable`] when it cannot be read.
pub fn list(directory: &Path) -> Result<Vec<(String, u64)>, Failure> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
        let entry = entry.map_err(|error| unreadable(directory, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(HEAD) && name.ends_with(TAIL) {
            all.push((name, entry.metadata().map_err(|error| unreadable(directory, &error))?.len()));
        }
    }
    all.sort();
    Ok(all)
}

fn log_in(access: &access::Options, role: &str) -> Result<SecretString, Failure> {
    let server = access.server(WAIT, |_| ())?;
    let start = Instant::now();
    loop {
        match access.log_in(&server, role) {
            Ok(token) => return Ok(token),
            Err(error) if error.is_transient() && start.elapsed() < WAIT => thread::sleep(PAUSE),
            Err(error) => return Err(Failure::Unreachable(error.to_string())),
        }
    }
}

/// Until the restored data is open.
fn opened(access: &access::Options) -> Result<String, Failure> {
    let server = access.server(WAIT, |_| ())?;
    let start = Instant::now();
    // The server needs a moment to let go of what it was.
    thread::sleep(PAUSE * 4);
    loop {
        let status = server.read("sys/health?standbyok=true").ok().flatten().unwrap_or_default();
        if at(&status, "/sealed") == false
            && let Some(id) = at(&status, "/cluster_id").as_str()
        {
            return Ok(id.to_owned());
        }
        if start.elapsed() >= WAIT {
            return Err(Failure::Unreachable(
                "the server did not open what was restored: was the snapshot made under the same seal?".to_owned(),
            ));
        }
        thread::sleep(PAUSE);
    }
}

/// The server that leads. No `Debug`: it holds a token.
struct Leader<'a> {
    http: Client,
    address: String,
    token: &'a SecretString,
}

impl<'a> Leader<'a> {
    fn find(access: &access::Options, token: &'a SecretString) -> Result<Self, Failure> {
        let authorities = access.authorities(WAIT, |_| ())?;
        let http = client_builder(authorities.as_ref(), PATIENCE)?.build();
        let http = http.map_err(|error| Failure::Configuration(format!("HTTP client: {error}")))?;
        let server = access.server(WAIT, |_| ())?;
        let start = Instant::now();
        loop {
            let status = server.read("sys/leader").ok().flatten().unwrap_or_default();
            let address = at(&status, "/leader_address").as_str().filter(|address| !address.is_empty());
            if let Some(address) = address {
                return Ok(Self { http, address: address.trim_end_matches('/').to_owned(), token });
            }
            if start.elapsed() >= WAIT {
                return Err(Failure::Unreachable("no server leads".to_owned()));
            }
            thread::sleep(PAUSE);
        }
    }

    fn download(&self, out: &mut impl Write) -> Result<u64, Failure> {
        let url = format!("{}/v1/sys/storage/raft/snapshot", self.address);
        let failed = |why: String| Failure::Unreachable(format!("GET {url}: {why}"));
        let request = self.http.get(&url).header("X-Vault-Token", self.token.expose_secret());
        let mut answer = request.send().map_err(|error| failed(describe(&error)))?;
        if !answer.status().is_success() {
            return Err(failed(answer.status().to_string()));
        }
        let bytes = answer.copy_to(out).map_err(|error| failed(describe(&error)))?;
        if bytes == 0 { Err(failed("the answer is empty".to_owned())) } else { Ok(bytes) }
    }

    fn upload(&self, body: Body) -> Result<(), Failure> {
        // Without `-force` the server takes only what was made under its very keys, not under the same seal.
        let url = format!("{}/v1/sys/storage/raft/snapshot-force", self.address);
        let failed = |why: String| Failure::Unreachable(format!("POST {url}: {why}"));
        let request = self.http.post(&url).header("X-Vault-Token", self.token.expose_secret()).body(body);
        let answer = request.send().map_err(|error| failed(describe(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(failed(format!("{status} {}", answer.text().unwrap_or_default().trim())))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Unreachable(format!("read {}: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Unreachable(format!("write {}: {error}", path.display()))
}
