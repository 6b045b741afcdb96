//! Mounts, the auth method's address, and first secrets.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::session::{Patience, Session};
use crate::desired::{FirstSecret, Kubernetes};
use crate::server::{Reason, RequestError, Server, at};
use crate::{Failure, random};

/// Mounts an engine where nothing is mounted.
///
/// # Errors
/// [`Failure::Failed`] when something else is mounted there, and what [`Session::retry`] gives.
pub fn mount<W: Write>(session: &mut Session<'_, W>, path: &str, kind: &str, options: Value) -> Result<(), Failure> {
    let subject = format!("mount {path}/");
    let found = session.retry(Patience::Passing, None, |server| mounted(server, path))?;
    let Some(found) = found else {
        let body = json!({"type": kind, "options": options});
        session.retry(Patience::Passing, None, |server| server.write(&format!("sys/mounts/{path}"), &body))?;
        session.report(&subject, Some(&format!("made ({kind})")));
        return Ok(());
    };
    let same = at(&found, "/type") == kind && (options.is_null() || *at(&found, "/options") == options);
    if !same {
        return Err(Failure::Failed(format!(
            "{subject}: holds {} {}, not {kind} {options}: move it away, or name another mount",
            at(&found, "/type"),
            at(&found, "/options")
        )));
    }
    session.report(&subject, None);
    Ok(())
}

/// What is mounted at a path. The server answers 400, not 404, for nothing.
fn mounted(server: &Server, path: &str) -> Result<Option<Value>, RequestError> {
    match server.read(&format!("sys/mounts/{path}")) {
        Err(RequestError { reason: Reason::Status { status: 400, messages }, .. })
            if messages.iter().any(|message| message.contains("No secret engine mount")) =>
        {
            Ok(None)
        }
        answer => Ok(answer?.map(|answer| at(&answer, "/data").clone())),
    }
}

/// Which API server the auth method asks about tokens.
///
/// # Errors
/// What [`Session::retry`] gives. The job's own policy may only read this: who can change it can log in as anybody.
pub fn kubernetes<W: Write>(session: &mut Session<'_, W>, wanted: &Kubernetes) -> Result<(), Failure> {
    let path = format!("auth/{}/config", wanted.path);
    let found = session.retry(Patience::Passing, None, |server| server.read(&path))?;
    let same = found.is_some_and(|found| at(&found, "/data/kubernetes_host") == wanted.host.as_str());
    if !same {
        let body = json!({"kubernetes_host": wanted.host});
        session.retry(Patience::Passing, None, |server| server.write(&path, &body))?;
    }
    session.report(&path, (!same).then_some("written"));
    Ok(())
}

/// Makes a secret that does not exist, with values that nobody sees; never touches one that does.
///
/// Only the metadata is looked at, and the write insists that there is no version yet, so a race or a bug cannot
/// overwrite anything.
///
/// # Errors
/// What [`Session::retry`] gives.
pub fn first_secret<W: Write>(session: &mut Session<'_, W>, secret: &FirstSecret) -> Result<(), Failure> {
    let metadata = secret.path.replacen("/data/", "/metadata/", 1);
    let exists = session.retry(Patience::Passing, None, |server| server.read(&metadata))?.is_some();
    if exists {
        session.report(&secret.path, None);
        return Ok(());
    }
    let mut data = Map::new();
    for (key, generated) in &secret.keys {
        data.insert(key.clone(), Value::String(random::password(generated.length)?.to_string()));
    }
    let body = json!({"options": {"cas": 0}, "data": data});
    let made = session.retry(Patience::Passing, None, |server| match server.write(&secret.path, &body) {
        Err(error) if is_taken(&error) => Ok(false),
        answer => answer.map(|_| true),
    })?;
    let keys: Vec<_> = secret.keys.keys().map(String::as_str).collect();
    session.report(&secret.path, made.then(|| format!("made ({})", keys.join(", "))).as_deref());
    Ok(())
}

/// Somebody else was first, or our own earlier try arrived after all.
fn is_taken(error: &RequestError) -> bool {
    matches!(&error.reason, Reason::Status { status: 400, messages } if messages.iter().any(|text| text.contains("check-and-set")))
}
