//! `converge`: brings a running server to the state that a file describes.
//!
//! Every step looks first and changes only what differs, so that running it again changes nothing and a run that broke
//! off is finished by the next one.

pub mod base;
pub mod database;
pub mod pki;
pub mod rules;
pub mod session;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use blinkchamber_policies::apply::{Method, ServerError, Vault};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use self::session::{Mode, Patience, Session};
use crate::desired::Desired;
use crate::server::at;
use crate::{Failure, access, marker};

/// For a look that changes nothing.
const LOOK: Duration = Duration::from_secs(30);

/// Settings of `converge`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// The server.
    #[command(flatten)]
    pub access: access::Options,
    /// The state to bring about (YAML or JSON).
    #[arg(long, env = "BLINKCHAMBER_DESIRED")]
    pub desired: PathBuf,
    /// Directory of rendered manifests, from which policies and roles are compiled.
    #[arg(long, env = "BLINKCHAMBER_WORKLOADS")]
    pub workloads: Option<PathBuf>,
    /// The job's own role.
    #[arg(long, env = "BLINKCHAMBER_ROLE", default_value = "bootstrap")]
    pub role: String,
    /// Seconds until the job gives up (Kubernetes starts it again).
    #[arg(long, env = "BLINKCHAMBER_TIMEOUT", default_value_t = 480)]
    pub timeout: u64,
    /// `namespace/name` of the ConfigMap that remembers the cluster; nothing is remembered without it.
    #[arg(long, env = "BLINKCHAMBER_MARKER")]
    pub marker: Option<String>,
}

/// What a run is told to bring about.
pub struct Inputs {
    /// The file.
    pub desired: Desired,
    /// Policies and roles, compiled from the workloads.
    pub rules: rules::Rules,
    /// Distinguishes one desired state from another.
    pub fingerprint: String,
}

impl Inputs {
    /// Reads and compiles.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with file, place and reason.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let (desired, mut text) = Desired::read(&options.desired)?;
        let workloads = options.workloads.as_deref().map(rules::read_workloads).transpose()?.unwrap_or_default();
        let rules = rules::Rules::new(&workloads, &desired)?;
        for (name, manifest) in &workloads {
            text.push_str(&format!("\0{name}\0{manifest}"));
        }
        let hash = digest(&SHA256, text.as_bytes());
        let fingerprint = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { desired, rules, fingerprint })
    }
}

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What is done about a difference.
    pub mode: Mode,
    /// Tell only what is not as it should be.
    pub quiet: bool,
    /// When it must be over.
    pub limit: Duration,
}

/// One run that says everything.
///
/// # Errors
/// As [`once`], and for unreadable files.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let manner = Manner { mode: Mode::Repair, quiet: false, limit: Duration::from_secs(options.timeout) };
    once(options, &Inputs::read(options)?, manner, out).map(drop)
}

/// Tells what is not as it should be, and changes nothing.
///
/// # Errors
/// [`Failure::Failed`] when something is, and as [`once`].
pub fn diff(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let manner = Manner { mode: Mode::Look, quiet: true, limit: LOOK };
    let account = once(options, &Inputs::read(options)?, manner, out)?;
    match account.differences.len() {
        0 => {
            // What has no reader is not printed.
            writeln!(out, "no drift: {} as they should be", account.unchanged).ok();
            Ok(())
        }
        count => Err(Failure::Failed(format!("{count} not as they should be"))),
    }
}

/// Logs in and converges.
///
/// # Errors
/// [`Failure`]: a lasting refusal of the server, or the deadline.
pub fn once(
    options: &Options,
    inputs: &Inputs,
    manner: Manner,
    out: &mut impl Write,
) -> Result<session::Account, Failure> {
    let Manner { mode, quiet, limit } = manner;
    let access = &options.access;
    let server = access.server(limit, |line| drop(writeln!(out, "converge: {line}")))?;
    let session = Session::new(server, limit, out).with_mode(mode);
    let mut session = if quiet { session.quietly() } else { session };
    let token = session.retry(Patience::Everything, None, |server| access.log_in(server, &options.role))?;
    if !quiet {
        session.say(&format!("logged in to {} as {}", access.vault_address, options.role));
    }
    let mut session = session.with_token(&token)?;
    let cluster = session.retry(Patience::Passing, None, cluster_id)?;
    if let Some(marker) = options.marker.as_ref().filter(|_| mode == Mode::Repair)
        && marker::remember(&access.api, marker, &cluster)?
    {
        session.say("marker: remembers the cluster: no pod will begin another");
    }
    let result = converge(&mut session, &inputs.desired, &inputs.rules);
    // The token would end by itself soon; a failure to end it now harms nobody.
    session.server.write("auth/token/revoke-self", &json!({})).ok();
    result.map(|()| session.account)
}

/// Brings about the state, in the order in which the parts need each other.
///
/// # Errors
/// As [`run`].
pub fn converge<W: Write>(
    session: &mut Session<'_, W>,
    desired: &Desired,
    rules: &rules::Rules,
) -> Result<(), Failure> {
    if let Some(own) = &desired.own_policy {
        base::own_policy(session, own)?;
    }
    for path in &desired.kv {
        base::mount(session, path, "kv", json!({"version": "2"}))?;
    }
    for database in &desired.databases {
        base::mount(session, &database.mount, "database", Value::Null)?;
    }
    if let Some(wanted) = &desired.pki {
        pki::converge(session, wanted)?;
    }
    base::kubernetes(session, &desired.kubernetes)?;
    for secret in &desired.secrets {
        base::first_secret(session, secret)?;
    }
    rules.apply(session)?;
    // Last: databases wait for their own secrets, which wait for all of the above.
    for database in &desired.databases {
        for connection in &database.connections {
            database::connection(session, database, connection)?;
            for role in &connection.roles {
                database::role(session, database, connection, role)?;
            }
        }
    }
    session.conclude();
    Ok(())
}

fn cluster_id(server: &Vault) -> Result<String, ServerError> {
    let path = "sys/health?standbyok=true";
    let answer = server.read(path)?.unwrap_or_default();
    at(&answer, "/cluster_id").as_str().map(str::to_owned).ok_or_else(|| ServerError {
        method: Method::Get,
        path: path.to_owned(),
        status: None,
        reason: "the answer has no cluster id".to_owned(),
    })
}
