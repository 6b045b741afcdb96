//! The programs that tests of every room run: where they are, and OpenBao, PostgreSQL and Redis as servers of one test.
//!
//! Only for `[dev-dependencies]`, and free of dependencies itself.

pub mod postgres;
pub mod redis;

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A program of the tool cache, which `make setup` fills.
///
/// # Panics
/// When it is not there, with what to do.
#[track_caller]
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).expect("HOME is set");
    let path = cache.join("blinkchamber/bin").join(name);
    assert!(path.is_file(), "{} is missing: run `make setup` first", path.display());
    path
}

/// A port that nobody listened on a moment ago, and neither on the next one, where OpenBao listens for its cluster. It is
/// below those that the system hands out by itself: a server takes it seconds later, and tests open many connections.
#[must_use]
pub fn free_port() -> u16 {
    /// Even ports from here on.
    const FIRST: u16 = 15_000;
    const COUNT: u64 = 8_500;
    loop {
        // The one source of chance in the standard library.
        let chance = RandomState::new().build_hasher().finish() % COUNT;
        let port = FIRST + 2 * u16::try_from(chance).unwrap_or_default();
        if [port, port + 1].into_iter().all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return port;
        }
    }
}

/// OpenBao as a development server: in memory, unsealed, KV version 2 at `secret/`, one root token. It says nothing unless
/// its output is given another way.
#[must_use]
pub fn bao_dev(port: u16, token: &str) -> Command {
    let mut command = Command::new(tool("bao"));
    command
        .args(["server", "-dev", "-dev-no-store-token", "-log-level=error"])
        .arg(format!("-dev-root-token-id={token}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A program that ends when it is dropped.
pub struct Running(Child);

impl Running {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends it at once, and waits until it is gone. It may have ended already.
    pub fn stop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
