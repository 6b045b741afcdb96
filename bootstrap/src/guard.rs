//! `guard`: the init container of each OpenBao pod.
//!
//! Writes the server's configuration, and adds the `initialize` stanza only where [`decision`] is certain. Ordinal 0 with
//! an empty volume waits until its peers have answered: they start without asking, so they do answer.

pub mod decision;
pub mod files;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use reqwest::blocking::Client;
use serde_json::{Value, json};

use self::decision::{Peer, Situation, Verdict, decide};
use crate::server::{Authorities, client};
use crate::{Failure, tls};

/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(500);
/// For one answer of one peer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two lines about the same wait.
const REMINDER: Duration = Duration::from_secs(15);
/// Role that the `initialize` stanza makes for the bootstrap job.
const ROLE: &str = "bootstrap";
/// Stands for a pod's name in the peers' address.
const POD: &str = "{pod}";

/// Settings of `guard`.
#[derive(clap::Args)]
#[group(skip)]
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
    /// PEM file with the authorities of the peers' certificates, where they are not ours.
    #[arg(long, env = "BLINKCHAMBER_VAULT_CA_FILE")]
    pub vault_ca_file: Option<PathBuf>,
    /// Our own certificates.
    #[command(flatten)]
    pub tls: tls::Options,
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
    /// Holds the cluster's id once one was made.
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
    let own = options.tls.authority()?;
    let authorities = match (&own, &options.vault_ca_file) {
        (Some(own), _) => {
            options.tls.renew(own, SystemTime::now())?;
            Some(Authorities::new(own.pem().as_bytes(), "the derived authority"))
        }
        (None, Some(path)) => Some(Authorities::read(path)?),
        (None, None) => None,
    };
    let cluster = fs::read_to_string(&options.marker).ok().map(|id| id.trim().to_owned());
    let situation = Situation { ordinal, has_data, marked: options.marker.exists(), peers: Vec::new() };
    let asking = Asking { client: client(authorities.as_ref(), PATIENCE)?, cluster };
    let initialize = match settle(&situation, &peers, &asking, Duration::from_secs(options.timeout), out)? {
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
                "not all of {} answered as members of our cluster within {} s: neither joining nor beginning one would be safe",
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
    asking: &Asking,
    timeout: Duration,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let start = Instant::now();
    let mut next_line = start;
    loop {
        // A pod that need not ask does not: its peers may be waiting for it.
        let asks = known.ordinal == 0 && !known.has_data;
        let answers = if asks { peers.iter().map(|address| asking.ask(address)).collect() } else { Vec::new() };
        let situation = Situation { peers: answers, ..known.clone() };
        let verdict = decide(&situation);
        if verdict != Verdict::Wait {
            return Ok(verdict);
        }
        if Instant::now() >= next_line {
            let waited_for = |answer| {
                let them = peers.iter().zip(&situation.peers).filter(move |(_, peer)| **peer == answer);
                them.map(|(address, _)| address.as_str()).collect::<Vec<_>>().join(", ")
            };
            let (silent, strange) = (waited_for(Peer::Silent), waited_for(Peer::Stranger));
            if !strange.is_empty() {
                say(
                    out,
                    &format!(
                        "not joining {strange}: it belongs to a cluster that is not ours; look who initialised it"
                    ),
                );
            }
            if !silent.is_empty() {
                say(out, &format!("waiting for {silent}"));
            }
            next_line = Instant::now() + REMINDER;
        }
        if start.elapsed() >= timeout {
            return Ok(verdict);
        }
        thread::sleep(PAUSE);
    }
}

/// How peers are asked.
struct Asking {
    client: Client,
    /// Id of our cluster, where it is known.
    cluster: Option<String>,
}

impl Asking {
    /// Whoever says that he belongs to a cluster must belong to ours: by its id, or, before that is known, by holding the
    /// role that only our first start makes. A member that anybody could initialise is not believed for its word alone.
    fn ask(&self, address: &str) -> Peer {
        let status = self.client.get(format!("{address}/v1/sys/seal-status")).send();
        let Ok(status) = status.and_then(|response| response.json::<Value>()) else { return Peer::Silent };
        match status.get("initialized").and_then(Value::as_bool) {
            None => Peer::Silent,
            Some(false) => Peer::Uninitialized,
            Some(true) => match (&self.cluster, status.get("cluster_id").and_then(Value::as_str)) {
                // Sealed: it cannot say.
                (Some(_), None) => Peer::Silent,
                (Some(ours), Some(theirs)) if ours == theirs => Peer::Initialized,
                (Some(_), Some(_)) => Peer::Stranger,
                (None, _) => self.knows_our_role(address),
            },
        }
    }

    /// Two logins that cannot succeed, with a token that is none: what matters is why they fail. An auth method that is
    /// there knows which roles it has not; where there is none, every login is refused alike.
    fn knows_our_role(&self, address: &str) -> Peer {
        let is_unknown = |role: &str| {
            let body = json!({"role": role, "jwt": "none"}).to_string();
            let answer = self.client.post(format!("{address}/v1/auth/kubernetes/login")).body(body).send().ok()?;
            let (status, text) = (answer.status().as_u16(), answer.text().ok()?);
            // Sealed, or without a leader.
            (status < 500).then(|| status == 400 && text.contains("invalid role name"))
        };
        match (is_unknown("a-role-that-nobody-made"), is_unknown(ROLE)) {
            (Some(true), Some(false)) => Peer::Initialized,
            (Some(_), Some(_)) => Peer::Stranger,
            _ => Peer::Silent,
        }
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
