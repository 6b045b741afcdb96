//! Whom a redirection may send the token to.
//!
//! A standby answers with the address of the active node, and the token travels along. It goes only to whom the
//! operator trusts already: the configured host; over TLS with an authority of the operator's own, whoever that
//! authority vouches for; otherwise the other pods of the configured service, as a StatefulSet names them.

use http::{Uri, uri::Authority};

/// Whom the operator trusts.
pub(super) struct Trusted<'a> {
    /// The configured address.
    pub(super) base: &'a Uri,
    /// Certificates are verified against authorities that the operator chose, not against the public ones.
    pub(super) verified: bool,
}

/// What the services of one cluster of servers are called beside its own name.
const SERVICES: [&str; 4] = ["-active", "-internal", "-standby", "-ui"];

impl Trusted<'_> {
    /// Where to go from `from` on a redirection to `location`.
    ///
    /// # Errors
    ///
    /// Why not, as the end of a sentence that begins with the status.
    pub(super) fn follow(&self, from: &Uri, location: Option<&str>) -> Result<Uri, String> {
        let unusable = || "without a usable location".to_owned();
        let to: Uri = location.and_then(|text| text.parse().ok()).ok_or_else(unusable)?;
        let Some(host) = to.host() else {
            let mut parts = from.clone().into_parts();
            parts.path_and_query = to.into_parts().path_and_query;
            return Uri::from_parts(parts).map_err(|_invalid| unusable());
        };
        if to.scheme() != self.base.scheme() {
            return Err("to another scheme".to_owned());
        }
        let ours = self.base.host().unwrap_or_default();
        if plain(host) == plain(ours) || self.verified {
            return Ok(to);
        }
        let Some(sibling) = sibling(ours, host) else {
            return Err(format!(
                "to the host {host:?}, which is not known to be one of {ours:?}: use https with the server's own \
                 authority (ca_cert), or let the servers' api_addr be the name of a pod such as \
                 vault-0.vault-internal"
            ));
        };
        let port = to.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let authority: Authority = format!("{sibling}{port}").parse().map_err(|_invalid| unusable())?;
        let mut parts = to.into_parts();
        parts.authority = Some(authority);
        Uri::from_parts(parts).map_err(|_invalid| unusable())
    }
}

/// The name to connect to, when `host` is a pod of the service that `ours` is: `vault-0.vault-internal` or
/// `vault-0.vault` beside `vault`, in the same zone. What follows the service is taken from `ours`, so that a short
/// name is not looked up in another namespace.
fn sibling(ours: &str, host: &str) -> Option<String> {
    let (ours, host) = (plain(ours), plain(host));
    if is_address(&ours) || is_address(&host) {
        return None;
    }
    let (base, zone) = service(&ours);
    let (pod, rest) = host.split_once('.')?;
    let (service, other) = rest.split_once('.').unwrap_or((rest, ""));
    let is_pod = pod.strip_prefix(base).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_number);
    let is_service = bare(service) == base;
    let same_zone = other.is_empty() || in_cluster(other) == in_cluster(zone);
    let dot = if zone.is_empty() { "" } else { "." };
    (is_pod && is_service && same_zone).then(|| format!("{pod}.{service}{dot}{zone}"))
}

/// The name that a service and its pods share, and the zone that they are in.
fn service(host: &str) -> (&str, &str) {
    let (first, zone) = host.split_once('.').unwrap_or((host, ""));
    let (second, beyond) = zone.split_once('.').unwrap_or((zone, ""));
    match first.rsplit_once('-') {
        // The address of one pod was configured.
        Some((base, number)) if is_number(number) && bare(second) == base => (base, beyond),
        _ => (bare(first), zone),
    }
}

fn bare(service: &str) -> &str {
    SERVICES.iter().find_map(|suffix| service.strip_suffix(suffix)).unwrap_or(service)
}

/// `blinkchamber`, `blinkchamber.svc` and `blinkchamber.svc.cluster.local` are one namespace.
fn in_cluster(zone: &str) -> &str {
    let zone = zone.strip_suffix(".cluster.local").unwrap_or(zone);
    zone.strip_suffix(".svc").unwrap_or(zone)
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// An address is nobody's sibling, and the last label of a name is never a number.
fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.rsplit('.').next().is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
