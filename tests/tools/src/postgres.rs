//! Debian's PostgreSQL as a server of one test: one database, one superuser, both called `zitadel`, with the password
//! `zitadel`.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Running, free_port};

/// A user that every Debian has and that owns nothing.
const NOBODY: u32 = 65_534;

/// A server that ends with its value.
pub struct Postgres {
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    running: Running,
}

impl Postgres {
    /// Makes a cluster in a directory and starts it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    #[track_caller]
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        let programs = programs();
        // The server runs as somebody else when we are root, and has to get there.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("permissions");
        let data = directory.join("postgres");
        fs::create_dir(&data).expect("a directory");
        std::os::unix::fs::chown(&data, is_root().then_some(NOBODY), is_root().then_some(NOBODY)).expect("an owner");
        let password = directory.join("password");
        fs::write(&password, "zitadel").expect("a password");
        let made = as_nobody(&programs.join("initdb"))
            .args(["--username=zitadel", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "initdb fails");
        let port = free_port();
        let running = serve(&programs, &data, port);
        let server = Self { programs, data, port, running };
        // It listens before it takes logins.
        let start = Instant::now();
        while !server.creates() {
            assert!(start.elapsed() < Duration::from_secs(60), "createdb fails");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn creates(&self) -> bool {
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["--host=127.0.0.1", "--username=zitadel", "zitadel"]).arg(format!("--port={}", self.port));
        create.env("PGPASSWORD", "zitadel").stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once and starts it again; it recovers by itself.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn restart(&mut self) {
        // The children of a killed server see that it is gone, and go too: a new one waits for them.
        self.running.stop();
        self.running = serve(&self.programs, &self.data, self.port);
    }
}

#[track_caller]
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max();
    found.expect("PostgreSQL is missing: run `make setup` first")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0)
}

/// PostgreSQL refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]).arg(program);
    command
}

#[track_caller]
fn serve(programs: &Path, data: &Path, port: u16) -> Running {
    let start = Instant::now();
    loop {
        let mut command = as_nobody(&programs.join("postgres"));
        command.arg("-D").arg(data).args(["-h", "127.0.0.1", "-k", "", "-F"]).args(["-p", &port.to_string()]);
        command.args(["-c", "max_connections=60", "-c", "full_page_writes=off", "-c", "log_min_messages=panic"]);
        let mut running = Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(50));
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return running;
            }
        }
        running.stop();
        assert!(start.elapsed() < Duration::from_secs(60), "postgres does not listen on port {port}");
    }
}
