//! `guard`: the init container of each OpenBao pod.
//!
//! Writes the server's configuration, and adds the `initialize` stanza only where [`decision`] is certain. Ordinal 0 with
//! an empty volume waits until its peers have answered: they start without asking, so they do answer.

pub mod decision;
pub mod files;

use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use serde_json::Value;

use self::decision::{Peer, Situation, Verdict, decide};
use crate::{Failure, server};

/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(500);
/// For one answer of one peer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two lines about the same wait.
const REMINDER: Duration = Duration::from_secs(15);
/// Stands for a pod's name in the peers' address.
const POD: &str = "{pod}";

/// Settings of `guard`.
#[derive(clap::Args)]
pub struct Options {
    /// This pod's name, `<name>-<ordinal>`.
    #[arg(long, env = "BLINKCHAMBER_POD_NAME")]
    pub pod_name: String,
    /// Pods of the StatefulSet.
    #[arg(long, env = "BLINKCHAMBER_REPLICAS")]
    pub replicas: u32,
    /// URL of a peer, with `{pod}` where its name stands.
    #[arg(long, env = "BLINKCHAMBER_PEER_ADDRESS")]
    pub peer_address: String,
    /// PEM file with the authorities of the peers' certificates.
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_FILE")]
    pub vault_ca_file: Option<PathBuf>,
    /// The server's configuration, with `@POD_NAME@` where the pod's name belongs.
    #[arg(long, env = "BLINKCHAMBER_TEMPLATE")]
    pub template: PathBuf,
    /// The stanza that begins a cluster; without it an operator initialises the server (a Shamir seal).
    #[arg(long, env = "BLINKCHAMBER_INITIALIZE")]
    pub initialize: Option<PathBuf>,
    /// Where the server reads its configuration.
    #[arg(long, env = "BLINKCHAMBER_OUTPUT")]
    pub output: PathBuf,
    /// The server's data directory.
    #[arg(long, env = "BLINKCHAMBER_DATA_DIR")]
    pub data_dir: PathBuf,
    /// Exists once a cluster was made.
    #[arg(long, env = "BLINKCHAMBER_MARKER")]
    pub marker: PathBuf,
    /// Make this key of a static seal when it is missing and there is no data yet.
    #[arg(long, env = "BLINKCHAMBER_SEAL_KEY_FILE")]
    pub seal_key_file: Option<PathBuf>,
    /// Seconds to wait for the peers before giving up (the kubelet starts the guard again).
    #[arg(long, env = "BLINKCHAMBER_TIMEOUT", default_value_t = 600)]
    pub timeout: u64,
}

/// Decides, and writes the configuration.
///
/// # Errors
/// [`Failure`]: a refusal, a bad setting, or peers that never answered.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let (stem, ordinal) = split(&options.pod_name)?;
    if !options.peer_address.contains(POD) {
        return Err(Failure::Configuration(format!("--peer-address {:?}: must contain {POD}", options.peer_address)));
    }
    let has_data = files::has_data(&options.data_dir)?;
    if let Some(path) = &options.seal_key_file {
        if options.replicas != 1 {
            return Err(Failure::Configuration(
                "--seal-key-file with more than one replica: members must share one key, so a pod cannot make its own"
                    .to_owned(),
            ));
        }
        if files::ensure_seal_key(path, has_data)? {
            say(out, &format!("made the key of the static seal: {}", path.display()));
        }
    }
    let names = (0..options.replicas).filter(|other| *other != ordinal).map(|other| format!("{stem}-{other}"));
    let peers: Vec<String> = names.map(|name| options.peer_address.replace(POD, &name)).collect();
    let client = server::client(options.vault_ca_file.as_deref(), PATIENCE)?;
    let situation = Situation { ordinal, has_data, marked: options.marker.exists(), peers: Vec::new() };
    let initialize = match settle(&situation, &peers, &client, Duration::from_secs(options.timeout), out)? {
        Verdict::Initialize if options.initialize.is_some() => {
            say(out, "nobody belongs to a cluster: beginning one");
            options.initialize.as_deref()
        }
        Verdict::Initialize => {
            say(out, "no cluster yet: this seal leaves it to an operator to initialise one");
            None
        }
        Verdict::Start(why) => {
            say(out, why.text());
            None
        }
        Verdict::Wait => {
            return Err(Failure::Unreachable(format!(
                "not all of {} answered within {} s: neither joining nor beginning a cluster would be safe",
                peers.join(", "),
                options.timeout
            )));
        }
        Verdict::Refuse => {
            return Err(Failure::Failed(format!(
                "there was a cluster ({} exists) and no pod has its data any more: restore a snapshot, or, if the data \
                 may be gone for good, empty that ConfigMap to begin anew",
                options.marker.display()
            )));
        }
    };
    files::write_configuration(&options.template, initialize, &options.pod_name, &options.output)
}

/// Asks until there is a verdict other than to wait, or the time is over.
fn settle(
    known: &Situation,
    peers: &[String],
    client: &Client,
    timeout: Duration,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let start = Instant::now();
    let mut next_line = start;
    loop {
        // A pod that need not ask does not: its peers may be waiting for it.
        let asks = known.ordinal == 0 && !known.has_data;
        let answers = if asks { peers.iter().map(|address| ask(client, address)).collect() } else { Vec::new() };
        let situation = Situation { peers: answers, ..known.clone() };
        let verdict = decide(&situation);
        if verdict != Verdict::Wait || start.elapsed() >= timeout {
            return Ok(verdict);
        }
        if Instant::now() >= next_line {
            let silent = peers.iter().zip(&situation.peers).filter(|(_, answer)| **answer == Peer::Silent);
            let silent: Vec<_> = silent.map(|(address, _)| address.as_str()).collect();
            say(out, &format!("waiting for {}", silent.join(", ")));
            next_line = Instant::now() + REMINDER;
        }
        thread::sleep(PAUSE);
    }
}

fn ask(client: &Client, address: &str) -> Peer {
    let answer =
        client.get(format!("{address}/v1/sys/seal-status")).send().and_then(|response| response.json::<Value>());
    match answer.ok().as_ref().and_then(|body| body.get("initialized")).and_then(Value::as_bool) {
        Some(true) => Peer::Initialized,
        Some(false) => Peer::Uninitialized,
        None => Peer::Silent,
    }
}

/// `vault-0` is `("vault", 0)`.
fn split(pod: &str) -> Result<(&str, u32), Failure> {
    pod.rsplit_once('-')
        .and_then(|(stem, ordinal)| Some((stem, ordinal.parse().ok()?)))
        .filter(|(stem, _)| !stem.is_empty())
        .ok_or_else(|| Failure::Configuration(format!("--pod-name {pod:?}: must be <name>-<ordinal>, such as vault-0")))
}

fn say(out: &mut impl Write, line: &str) {
    // A log that nobody takes is no reason to keep the server from starting.
    writeln!(out, "guard: {line}").ok();
}

#[cfg(test)]
mod tests;
