//! The PKI engine: a root whose key never leaves the server, and the kinds of certificates it gives.

use std::io::Write;

use blinkchamber_policies::apply::{Method, Server as _, ServerError, Vault};
use serde_json::{Value, json};

use super::base;
use super::session::{Area, Patience, Session};
use crate::Failure;
use crate::desired::{Pki, PkiRole, seconds};
use crate::server::at;

/// Brings about mount, root and roles. A root that is there is never replaced: everybody trusts it.
///
/// # Errors
/// As [`base::mount`] and [`Session::retry`].
pub fn converge<W: Write>(session: &mut Session<'_, W>, wanted: &Pki) -> Result<(), Failure> {
    let ttl = seconds(&wanted.ttl).unwrap_or_default();
    base::mount_with(session, &wanted.mount, "pki", Value::Null, &json!({"max_lease_ttl": format!("{ttl}s")}))?;
    root(session, wanted, ttl)?;
    for role in &wanted.roles {
        base::object(session, Area::Pki, &format!("{}/roles/{}", wanted.mount, role.name), &body(role))?;
    }
    Ok(())
}

fn root<W: Write>(session: &mut Session<'_, W>, wanted: &Pki, ttl: u64) -> Result<(), Failure> {
    let mount = &wanted.mount;
    let subject = format!("{mount}/issuers");
    let found = session.retry(Patience::Passing, None, |server| issuers(server, mount))?;
    if found > 0 {
        session.keep(&subject);
        return Ok(());
    }
    let body = json!({"common_name": wanted.common_name, "ttl": format!("{ttl}s"), "key_type": "ec", "key_bits": 256});
    let path = format!("{mount}/root/generate/internal");
    session.change(Area::Pki, &subject, "made a root", |server| server.write(&path, &body).map(drop))
}

/// How many there are.
fn issuers(server: &Vault, mount: &str) -> Result<usize, ServerError> {
    let found = server.call(Method::List, &format!("{mount}/issuers"), None)?;
    Ok(found.and_then(|found| at(&found, "/data/keys").as_array().map(Vec::len)).unwrap_or_default())
}

/// Certificates live shortly and are made often: the server keeps none.
fn body(role: &PkiRole) -> Value {
    json!({
        "allowed_domains": role.allowed_domains,
        "allow_bare_domains": true,
        "allow_subdomains": role.allow_subdomains,
        "allow_glob_domains": role.allow_glob_domains,
        "allow_localhost": true,
        "allow_ip_sans": role.allow_ip_sans,
        "server_flag": role.server,
        "client_flag": role.client,
        "key_type": "ec",
        "key_bits": 256,
        "require_cn": false,
        "no_store": true,
        "max_ttl": seconds(&role.max_ttl),
    })
}
