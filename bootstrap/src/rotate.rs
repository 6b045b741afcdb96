//! `rotate`: replaces a credential while it is in use, by nothing but writes to the KV store.
//!
//! Each write is one step that leaves everything working, insists on the version that was read (check-and-set), and
//! notes itself in the secret (key `rotation`). So whoever breaks off in between is followed by whoever comes next:
//! the same command again, or the leader of the loop.

pub mod step;

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use blinkchamber_policies::apply::{ServerError, Vault};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::step::{Next, next};
use crate::desired::{Desired, Rotation};
use crate::server::at;
use crate::{Failure, access};

/// Role that may read and write the secrets that rotate, and nothing else.
pub const ROLE: &str = "blinkchamber-rotate";
const WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);
/// For a standby to hear of a write.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Writers that got in each other's way.
const ATTEMPTS: usize = 20;

/// Settings of `rotate`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// Credentials to replace, by name.
    #[arg(required_unless_present = "list")]
    pub names: Vec<String>,
    /// Tell what can be replaced, and when it last was.
    #[arg(long)]
    pub list: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The state that names the credentials.
    #[arg(long, env = "BLINKCHAMBER_DESIRED")]
    pub desired: std::path::PathBuf,
    /// The server.
    #[command(flatten)]
    pub access: access::Options,
}

/// Where a credential is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// How it is replaced.
    pub kind: &'static str,
    /// Where it lies.
    pub path: String,
    /// `done`, or the step of a rotation under way; absent when it never rotated.
    pub step: Option<String>,
    /// End of the last rotation, RFC 3339.
    pub last_rotation: Option<String>,
    /// When the secret was made, RFC 3339; of one that never rotated, where that may be read.
    pub created: Option<String>,
}

/// Replaces, or lists.
///
/// # Errors
/// [`Failure`]: an unknown name, or a server that refuses or is not there.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let (desired, _) = Desired::read(&options.desired)?;
    let known: Vec<_> = desired.rotations.iter().map(|rotation| rotation.name.as_str()).collect();
    let mut chosen = Vec::new();
    for name in &options.names {
        let found = desired.rotations.iter().find(|rotation| rotation.name == *name);
        chosen.push(found.ok_or_else(|| {
            Failure::Configuration(format!("there is no credential {name:?}; there are: {}", known.join(", ")))
        })?);
    }
    let server = session(&options.access)?;
    let mut failed = None;
    if !options.list {
        for rotation in chosen {
            let mut say = |line: String| {
                if !options.json {
                    writeln!(out, "{}: {line}", rotation.name).ok();
                }
            };
            if let Err(failure) = rotate(&server, rotation, &mut say) {
                say(format!("not finished, and everything works as before: {failure}"));
                failed = Some(failure);
            }
        }
    }
    let listed: Vec<_> = desired
        .rotations
        .iter()
        .filter(|rotation| options.list || options.names.contains(&rotation.name))
        .map(|rotation| credential(&server, rotation))
        .collect::<Result<_, _>>()?;
    if options.json {
        writeln!(out, "{}", json!(listed)).ok();
    } else if options.list {
        for one in listed {
            let last = one.last_rotation.as_deref().unwrap_or("never");
            let step = one.step.filter(|step| step != "done").map(|step| format!("  under way: {step}"));
            writeln!(out, "{:<28} {:<9} {last}{}", one.name, one.kind, step.unwrap_or_default()).ok();
        }
    }
    // The token would end by itself soon.
    server.write("auth/token/revoke-self", &json!({})).ok();
    failed.map_or(Ok(()), Err)
}

/// Logs in with the role for rotations.
///
/// # Errors
/// [`Failure::Unreachable`] when that does not work.
pub fn session(access: &access::Options) -> Result<Vault, Failure> {
    let server = access.server(WAIT, |_| ())?;
    let token = access.log_in(&server, ROLE).map_err(|error| Failure::Unreachable(error.to_string()))?;
    server.with_token(&token).map_err(|error| Failure::Failed(error.to_string()))
}

/// Goes through all steps; one that broke off is gone on with.
///
/// # Errors
/// [`Failure`]; whatever the step, both the replaced and the new value work where they are used.
pub fn rotate(server: &Vault, rotation: &Rotation, say: &mut impl FnMut(String)) -> Result<(), Failure> {
    let (mut first, mut attempts, mut written) = (true, 0, 0);
    loop {
        let (mut data, version) = caught_up(server, rotation, written)?;
        if first && step::is_under_way(rotation, &data) {
            say("going on with a rotation that broke off".to_owned());
        }
        match next(rotation, &mut data, Timestamp::now(), !first)? {
            Next::Done => return Ok(()),
            Next::Wait(time) => thread::sleep(time.min(PAUSE)),
            Next::Write(what) => {
                attempts += 1;
                match write(server, rotation, &data, version) {
                    Ok(()) => {
                        written = version.saturating_add(1);
                        say(what.to_owned());
                    }
                    // Somebody wrote meanwhile: look again.
                    Err(error) if is_conflict(&error) && attempts < ATTEMPTS => thread::sleep(CATCH_UP),
                    Err(error) if error.is_transient() && attempts < ATTEMPTS => thread::sleep(PAUSE),
                    Err(error) => return Err(Failure::Unreachable(error.to_string())),
                }
            }
        }
        first = false;
    }
}

/// Does the one step of a rotation that its beginner has left for longer than it should have taken; true when it did.
///
/// # Errors
/// [`Failure`].
pub fn go_on(server: &Vault, rotation: &Rotation, patience: Duration) -> Result<bool, Failure> {
    let (mut data, version) = read(server, rotation)?;
    let now = Timestamp::now() - patience;
    if !step::is_under_way(rotation, &data) {
        return Ok(false);
    }
    match next(rotation, &mut data, now, true)? {
        Next::Done | Next::Wait(_) => Ok(false),
        Next::Write(_) => match write(server, rotation, &data, version) {
            Ok(()) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(Failure::Unreachable(error.to_string())),
        },
    }
}

/// What is known of a credential.
///
/// # Errors
/// [`Failure::Unreachable`].
pub fn credential(server: &Vault, rotation: &Rotation) -> Result<Credential, Failure> {
    let found = server.read(&rotation.path).map_err(|error| Failure::Unreachable(error.to_string()))?;
    let data = found.as_ref().and_then(|found| at(found, "/data/data").as_object().cloned()).unwrap_or_default();
    let (step, at) = step::record(rotation, &data).unzip();
    // Beside the other facts this one is not worth a failure.
    let created = || {
        let metadata = server.read(&rotation.path.replacen("/data/", "/metadata/", 1)).ok().flatten()?;
        at_text(&metadata, "/data/created_time")
    };
    Ok(Credential {
        name: rotation.name.clone(),
        kind: rotation.kind.word(),
        path: rotation.path.clone(),
        last_rotation: at.filter(|_| step.as_deref() == Some("done")).map(|at| at.to_string()),
        created: if step.is_none() { created() } else { None },
        step,
    })
}

/// At this version or a later one. A standby answers reads from what it has, and what we wrote may not have come to it yet.
fn caught_up(server: &Vault, rotation: &Rotation, version: u64) -> Result<(Map<String, Value>, u64), Failure> {
    let start = Instant::now();
    loop {
        let found = read(server, rotation)?;
        if found.1 >= version {
            return Ok(found);
        }
        if start.elapsed() > WAIT {
            return Err(Failure::Unreachable(format!("{}: version {version} does not reach a standby", rotation.path)));
        }
        thread::sleep(CATCH_UP);
    }
}

fn at_text(value: &Value, pointer: &str) -> Option<String> {
    at(value, pointer).as_str().map(str::to_owned)
}

fn read(server: &Vault, rotation: &Rotation) -> Result<(Map<String, Value>, u64), Failure> {
    let mut tries = 0;
    let found = loop {
        match server.read(&rotation.path) {
            Ok(found) => break found,
            Err(error) if error.is_transient() && tries < ATTEMPTS => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(Failure::Unreachable(error.to_string())),
        }
    };
    let found = found.ok_or_else(|| Failure::Failed(format!("{}: there is no secret", rotation.path)))?;
    let data = at(&found, "/data/data").as_object().cloned();
    let version = at(&found, "/data/metadata/version").as_u64();
    data.zip(version).ok_or_else(|| Failure::Failed(format!("{}: is no KV secret", rotation.path)))
}

fn write(server: &Vault, rotation: &Rotation, data: &Map<String, Value>, version: u64) -> Result<(), ServerError> {
    server.write(&rotation.path, &json!({"options": {"cas": version}, "data": data})).map(drop)
}

fn is_conflict(error: &ServerError) -> bool {
    error.status == Some(400) && error.reason.contains("check-and-set")
}
