//! Debian's Redis and Sentinel as servers of one test.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Running, free_port};

/// A server that ends with its value. It keeps nothing on disk unless it is told to.
pub struct Redis {
    directory: PathBuf,
    arguments: Vec<String>,
    port: u16,
    running: Running,
}

impl Redis {
    /// Starts one with some more arguments (`--name value`), and waits until it listens.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not start.
    #[track_caller]
    #[must_use]
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        let port = free_port();
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let running = serve(directory, port, &arguments);
        Self { directory: directory.to_owned(), arguments, port, running }
    }

    /// A Sentinel that watches masters: name and port.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[track_caller]
    #[must_use]
    pub fn sentinel(directory: &Path, masters: &[(&str, u16)], quorum: usize, more: &str) -> Self {
        let port = free_port();
        let file = directory.join(format!("sentinel-{port}.conf"));
        let mut text = format!("port {port}\nbind 127.0.0.1\ndir {}\n{more}\n", directory.display());
        for (name, master) in masters {
            text.push_str(&format!(
                "sentinel monitor {name} 127.0.0.1 {master} {quorum}\nsentinel down-after-milliseconds {name} 1000\n\
                 sentinel failover-timeout {name} 4000\n"
            ));
        }
        fs::write(&file, text).expect("the Sentinel's configuration is written");
        let arguments = vec![file.display().to_string(), "--sentinel".to_owned()];
        let running = run(&arguments, port);
        Self { directory: directory.to_owned(), arguments, port, running }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.running.stop();
    }

    /// Starts it again after [`Self::kill`], empty unless it keeps something on disk.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn again(&mut self) {
        self.running = serve(&self.directory, self.port, &self.arguments);
    }
}

#[track_caller]
fn serve(directory: &Path, port: u16, more: &[String]) -> Running {
    let fixed = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"].map(str::to_owned);
    let mut arguments: Vec<String> = vec!["--port".to_owned(), port.to_string()];
    arguments.extend(fixed);
    arguments.push(directory.display().to_string());
    arguments.extend_from_slice(more);
    run(&arguments, port)
}

#[track_caller]
fn run(arguments: &[String], port: u16) -> Running {
    let program = "/usr/bin/redis-server";
    assert!(Path::new(program).is_file(), "{program} is missing: run `make setup` first");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running::start(&mut command);
    let start = Instant::now();
    while !answers(port) {
        assert!(start.elapsed() < Duration::from_secs(20), "redis-server {arguments:?} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

/// Whether it says anything, be it that a password is wanted. One that wants TLS says nothing to this, but ends it.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.write_all(b"PING\r\n").is_ok()
        && stream.read(&mut [0; 16]).is_ok()
}
