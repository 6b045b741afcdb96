//! The database engine: connections whose administrator's password only OpenBao knows, and the roles of their users.
//!
//! A connection serves nobody (`allowed_roles` is empty) until its administrator's first password has been replaced. That
//! makes the step safe to break off anywhere: what is half-made is recognised, and finished by the next run.

use std::io::Write;

use serde_json::{Value, json};

use super::base;
use super::session::{Area, Mode, Patience, Session};
use crate::Failure;
use crate::desired::{Connection, Database, DatabaseRole, seconds};
use crate::server::at;

/// Brings about one connection.
///
/// # Errors
/// What [`Session::retry`] gives; a database that is not there yet is waited for.
pub fn connection<W: Write>(
    session: &mut Session<'_, W>,
    database: &Database,
    wanted: &Connection,
) -> Result<(), Failure> {
    let path = format!("{}/config/{}", database.mount, wanted.name);
    let found = session.retry(Patience::Passing, None, |server| server.read(&path))?;
    // Without the password the server keeps the one it knows.
    let ready = json!({"plugin_name": wanted.plugin, "connection_url": wanted.url, "username": wanted.username,
                       "allowed_roles": ["*"]});
    let connected = "connected; only OpenBao knows the administrator's password now";
    let serves = found.as_ref().is_some_and(|found| !is_empty(at(found, "/data/allowed_roles")));
    if !serves {
        if session.mode() == Mode::Repair {
            connect(session, database, wanted, found.is_some(), &ready)?;
        }
        session.differ(Area::Database, &path, connected);
        return Ok(());
    }
    let found = found.unwrap_or_default();
    let same = at(&found, "/data/connection_details/connection_url") == wanted.url.as_str()
        && at(&found, "/data/connection_details/username") == wanted.username.as_str();
    if same {
        session.keep(&path);
        return Ok(());
    }
    if session.mode() == Mode::Repair {
        session.retry(Patience::Everything, None, |server| server.write(&path, &ready))?;
    }
    session.differ(Area::Database, &path, "written");
    Ok(())
}

/// Makes the connection, unless an earlier run has, and replaces the administrator's first password.
fn connect<W: Write>(
    session: &mut Session<'_, W>,
    database: &Database,
    wanted: &Connection,
    made: bool,
    ready: &Value,
) -> Result<(), Failure> {
    let path = format!("{}/config/{}", database.mount, wanted.name);
    if !made {
        let password = first_password(session, wanted)?;
        let body = json!({"plugin_name": wanted.plugin, "connection_url": wanted.url, "username": wanted.username,
                          "password": password, "allowed_roles": []});
        session.retry(Patience::Everything, Some(&password), |server| server.write(&path, &body))?;
    }
    let rotate = format!("{}/rotate-root/{}", database.mount, wanted.name);
    session.retry(Patience::Everything, None, |server| server.write(&rotate, &json!({})))?;
    session.retry(Patience::Everything, None, |server| server.write(&path, ready)).map(drop)
}

/// Brings about one role.
///
/// # Errors
/// What [`Session::retry`] gives.
pub fn role<W: Write>(
    session: &mut Session<'_, W>,
    database: &Database,
    connection: &Connection,
    wanted: &DatabaseRole,
) -> Result<(), Failure> {
    let path = format!("{}/roles/{}", database.mount, wanted.name);
    let body = json!({
        "db_name": connection.name,
        "creation_statements": wanted.creation,
        "revocation_statements": wanted.revocation,
        "default_ttl": seconds(&wanted.default_ttl),
        "max_ttl": seconds(&wanted.max_ttl),
    });
    base::object(session, Area::Database, &path, &body)
}

fn first_password<W: Write>(session: &mut Session<'_, W>, wanted: &Connection) -> Result<String, Failure> {
    let reference = &wanted.first_password;
    let answer = session.retry(Patience::Passing, None, |server| server.read(&reference.path))?;
    let data = answer.as_ref().map(|answer| at(answer, "/data/data"));
    let password = data.and_then(|data| data.get(&reference.key)).and_then(Value::as_str);
    password
        .map(str::to_owned)
        .ok_or_else(|| Failure::Failed(format!("{}: has no key {:?}", reference.path, reference.key)))
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests;
