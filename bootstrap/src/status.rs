//! `status`: what only OpenBao knows, for `deploy-umbrella.sh status`: rotations, expiries, drift, who leads.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use blinkchamber_certs::CaCert;
use blinkchamber_policies::apply::Vault;
use jiff::Timestamp;
use reqwest::tls::TlsInfo;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde_json::{Value, json};

use crate::converge::session::Mode;
use crate::converge::{self, Inputs, Manner};
use crate::rotate::{self, Credential};
use crate::server::{at, client_builder};
use crate::{Failure, access};

/// For everything: whoever asks wants to know now.
const LIMIT: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(4);

/// Settings of `status`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// What should be, and where.
    #[command(flatten)]
    pub converge: converge::Options,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    components: BTreeMap<String, Component>,
    /// Differences from the desired state.
    drift: Vec<String>,
    credentials: Vec<Credential>,
    server: Value,
    /// What could not be found out.
    unknown: Vec<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    last_rotation: Option<String>,
    next_expiry: Option<String>,
}

/// Looks and prints; what cannot be found out is said, and the rest told.
///
/// # Errors
/// [`Failure`] for unusable settings, or when the server's authority is unknown.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let inputs = Inputs::read(&options.converge)?;
    let access = &options.converge.access;
    let server = access.server(LIMIT, |_| ())?;
    let mut status = Status {
        components: BTreeMap::new(),
        drift: Vec::new(),
        credentials: Vec::new(),
        server: members(&server),
        unknown: Vec::new(),
    };
    let manner = Manner { mode: Mode::Look, quiet: true, limit: LIMIT };
    match converge::once(&options.converge, &inputs, manner, &mut std::io::sink()) {
        Ok(account) => status.drift = account.differences,
        Err(failure) => status.unknown.push(format!("drift: {failure}")),
    }
    match credentials(access, &inputs) {
        Ok(credentials) => status.credentials = credentials,
        Err(failure) => status.unknown.push(format!("rotations: {failure}")),
    }
    for credential in &status.credentials {
        let name = credential.name.split('-').next().unwrap_or(&credential.name);
        let component = status.components.entry(name.to_owned()).or_default();
        // RFC 3339 in UTC sorts as text.
        component.last_rotation = component.last_rotation.take().max(credential.last_rotation.clone());
    }
    match listener(access) {
        Ok(expiry) => status.components.entry("vault".to_owned()).or_default().next_expiry = expiry,
        Err(failure) => status.unknown.push(format!("certificate: {failure}")),
    }
    print(&status, options.json, out);
    Ok(())
}

fn print(status: &Status, as_json: bool, out: &mut impl Write) {
    // What has no reader is not printed.
    if as_json {
        writeln!(out, "{}", json!(status)).ok();
        return;
    }
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for key in ["version", "sealed", "leader"] {
        writeln!(out, "{key:<10} {}", word(at(&status.server, &format!("/{key}")))).ok();
    }
    for (name, component) in &status.components {
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (last, next) = (dash(&component.last_rotation), dash(&component.next_expiry));
        writeln!(out, "{name:<10} last rotation {last}, next expiry {next}").ok();
    }
    for (head, lines) in [("drift", &status.drift), ("unknown", &status.unknown)] {
        for line in lines {
            writeln!(out, "{head}: {line}").ok();
        }
    }
}

/// What the server says of itself to everybody.
fn members(server: &Vault) -> Value {
    let read = |path: &str| server.read(path).ok().flatten().unwrap_or_default();
    let (seal, leader) = (read("sys/seal-status"), read("sys/leader"));
    json!({
        "version": at(&seal, "/version"),
        "initialized": at(&seal, "/initialized"),
        "sealed": at(&seal, "/sealed"),
        "clusterId": at(&seal, "/cluster_id"),
        "leader": at(&leader, "/leader_address"),
        "raftIndex": at(&leader, "/raft_committed_index"),
    })
}

fn credentials(access: &access::Options, inputs: &Inputs) -> Result<Vec<Credential>, Failure> {
    let rotations = &inputs.desired.rotations;
    if rotations.is_empty() {
        return Ok(Vec::new());
    }
    let server = rotate::session(access)?;
    let found = rotations.iter().map(|rotation| rotate::credential(&server, rotation)).collect();
    server.write("auth/token/revoke-self", &json!({})).ok();
    found
}

/// End of the certificate that the server shows.
fn listener(access: &access::Options) -> Result<Option<String>, Failure> {
    let Some(authorities) = access.authorities(LIMIT, |_| ())? else { return Ok(None) };
    let failed = |error: &dyn std::error::Error| Failure::Unreachable(error.to_string());
    let http = client_builder(Some(&authorities), PATIENCE)?.tls_info(true).build().map_err(|error| failed(&error))?;
    let url = format!("{}/v1/sys/seal-status", access.vault_address.trim_end_matches('/'));
    let answer = http.get(url).send().map_err(|error| failed(&error))?;
    let der = answer.extensions().get::<TlsInfo>().and_then(|info| info.peer_certificate().map(<[u8]>::to_vec));
    let der = der.ok_or_else(|| Failure::Unreachable("the server showed no certificate".to_owned()))?;
    let certificate = CaCert::from_der(CertificateDer::from(der), "the server's certificate");
    let not_after = certificate.map_err(|error| failed(&error))?.not_after();
    Ok(Timestamp::try_from(not_after).ok().map(|time| time.to_string()))
}
