//! Mounts, the auth method's address, the own policy, and first secrets.

use std::io::Write;

use blinkchamber_policies::apply::{ServerError, Vault};
use serde_json::{Map, Value, json};

use super::session::{Area, Mode, Patience, Session};
use crate::desired::{FirstSecret, Kubernetes, OwnPolicy};
use crate::server::at;
use crate::{Failure, random};

/// Mounts an engine where nothing is mounted.
///
/// # Errors
/// [`Failure::Failed`] when something else is mounted there, and what [`Session::retry`] gives.
pub fn mount<W: Write>(session: &mut Session<'_, W>, path: &str, kind: &str, options: Value) -> Result<(), Failure> {
    mount_with(session, path, kind, options, &json!({}))
}

/// The same with a configuration for a new mount.
///
/// # Errors
/// As [`mount`].
pub fn mount_with<W: Write>(
    session: &mut Session<'_, W>,
    path: &str,
    kind: &str,
    options: Value,
    config: &Value,
) -> Result<(), Failure> {
    let subject = format!("mount {path}/");
    let found = session.retry(Patience::Passing, None, |server| mounted(server, path))?;
    let Some(found) = found else {
        let body = json!({"type": kind, "options": options, "config": config});
        let write = |server: &Vault| server.write(&format!("sys/mounts/{path}"), &body).map(drop);
        return session.change(Area::Mount, &subject, &format!("made ({kind})"), write);
    };
    let same = at(&found, "/type") == kind && (options.is_null() || *at(&found, "/options") == options);
    if !same {
        return Err(Failure::Failed(format!(
            "{subject}: holds {} {}, not {kind} {options}: move it away, or name another mount",
            at(&found, "/type"),
            at(&found, "/options")
        )));
    }
    session.keep(&subject);
    Ok(())
}

/// Writes an object of an engine when a member of it differs.
///
/// # Errors
/// What [`Session::retry`] gives.
pub fn object<W: Write>(session: &mut Session<'_, W>, area: Area, path: &str, wanted: &Value) -> Result<(), Failure> {
    let found = session.retry(Patience::Passing, None, |server| server.read(path))?;
    if found.is_some_and(|found| contains(at(&found, "/data"), wanted)) {
        session.keep(path);
        return Ok(());
    }
    session.change(area, path, "written", |server| server.write(path, wanted).map(drop))
}

/// Every member of `wanted` is in `found`, with the same value.
fn contains(found: &Value, wanted: &Value) -> bool {
    wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(key, value)| found.get(key) == Some(value)))
}

/// What is mounted at a path. The server answers 400, not 404, for nothing.
fn mounted(server: &Vault, path: &str) -> Result<Option<Value>, ServerError> {
    match server.read(&format!("sys/mounts/{path}")) {
        Err(error) if error.status == Some(400) && error.reason.contains("No secret engine mount") => Ok(None),
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
    if found.is_some_and(|found| at(&found, "/data/kubernetes_host") == wanted.host.as_str()) {
        session.keep(&path);
        return Ok(());
    }
    let body = json!({"kubernetes_host": wanted.host});
    session.change(Area::Auth, &path, "written", |server| server.write(&path, &body).map(drop))
}

/// The policy of whoever converges: it may change with the chart. It is as strong as all rights together anyway, for
/// whoever writes policies and roles can give himself anything.
///
/// # Errors
/// What [`Session::retry`] gives.
pub fn own_policy<W: Write>(session: &mut Session<'_, W>, wanted: &OwnPolicy) -> Result<(), Failure> {
    let path = format!("sys/policies/acl/{}", wanted.name);
    let found = session.retry(Patience::Passing, None, |server| server.read(&path))?;
    let found = found.as_ref().and_then(|found| at(found, "/data/policy").as_str());
    let subject = format!("policy {}", wanted.name);
    if found.is_some_and(|found| found.trim() == wanted.text.trim()) {
        session.keep(&subject);
        return Ok(());
    }
    let body = json!({"policy": wanted.text});
    session.change(Area::Policy, &subject, "written", |server| server.write(&path, &body).map(drop))
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
        session.keep(&secret.path);
        return Ok(());
    }
    let keys: Vec<_> = secret.keys.keys().map(String::as_str).collect();
    let done = format!("made ({})", keys.join(", "));
    if session.mode() == Mode::Look {
        session.differ(Area::Secret, &secret.path, &done);
        return Ok(());
    }
    let mut data = Map::new();
    for (key, first) in &secret.keys {
        let value = match (first.length, &first.text) {
            (Some(length), _) => random::password(length)?.to_string(),
            (None, text) => text.clone().unwrap_or_default(),
        };
        data.insert(key.clone(), Value::String(value));
    }
    for (key, other) in secret.keys.iter().filter_map(|(key, first)| Some((key, first.same_as.as_ref()?))) {
        let value = data.get(other).cloned().unwrap_or_default();
        data.insert(key.clone(), value);
    }
    let body = json!({"options": {"cas": 0}, "data": data});
    let made = session.retry(Patience::Passing, None, |server| match server.write(&secret.path, &body) {
        Err(error) if is_taken(&error) => Ok(false),
        answer => answer.map(|_| true),
    })?;
    if made {
        session.differ(Area::Secret, &secret.path, &done);
    } else {
        session.keep(&secret.path);
    }
    Ok(())
}

/// Somebody else was first, or our own earlier try arrived after all.
fn is_taken(error: &ServerError) -> bool {
    error.status == Some(400) && error.reason.contains("check-and-set")
}

#[cfg(test)]
mod tests;
