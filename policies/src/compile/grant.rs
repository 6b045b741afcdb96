//! What a template's calls take on the server.

use std::collections::{BTreeMap, BTreeSet};

use blinkchamber_templates::AccessKind;

use super::CompileOptions;
use crate::policy::Capability;

#[cfg(test)]
mod tests;

/// Mounts whose paths are rewritten.
pub(super) struct Mounts<'a> {
    kv1: Vec<&'a str>,
    kv2: Vec<&'a str>,
    metadata: bool,
}

impl<'a> Mounts<'a> {
    pub(super) fn new(options: &'a CompileOptions) -> Self {
        let names = |set: &'a BTreeSet<String>| set.iter().map(|mount| mount.trim_matches('/')).collect();
        Self { kv1: names(&options.kv1), kv2: names(&options.kv2), metadata: options.metadata }
    }
}

/// Rules by path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Grants {
    pub(super) rules: BTreeMap<String, Grant>,
    /// Paths whose leases the agent may give back, and who asked.
    pub(super) leases: BTreeMap<String, BTreeSet<String>>,
}

/// One rule.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Grant {
    pub(super) capabilities: BTreeSet<Capability>,
    /// Where it was asked for.
    pub(super) because: BTreeSet<String>,
}

/// Why a call gets no rule.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl Grants {
    pub(super) fn extend(&mut self, other: Self) {
        for (path, grant) in other.rules {
            let mine = self.rules.entry(path).or_default();
            mine.capabilities.extend(grant.capabilities);
            mine.because.extend(grant.because);
        }
        for (path, because) in other.leases {
            self.leases.entry(path).or_default().extend(because);
        }
    }

    /// Adds what a call takes.
    pub(super) fn add(
        &mut self,
        mounts: &Mounts<'_>,
        kind: AccessKind,
        written: &str,
        place: &str,
    ) -> Result<(), Problem> {
        use Capability::{Create, List, Read, Update};
        if kind == AccessKind::File {
            return Ok(());
        }
        let (path, version) = match written.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (written, None),
        };
        check(path)?;
        match (self.kv2(mounts, path), kind) {
            (Some(Kv2 { mount, rest }), AccessKind::List) => {
                if rest == "data" || rest.starts_with("data/") {
                    return Err(Problem {
                        message: format!("secrets {written:?}: KV v2 lists below metadata/, not data/"),
                        help: "leave data/ out of the path",
                    });
                }
                let rest = rest.strip_prefix("metadata").map_or(rest, |rest| rest.trim_start_matches('/'));
                self.rule(&join(&[&mount, "metadata", rest]), &[List], place, "secrets");
            }
            (Some(Kv2 { mount, rest }), AccessKind::Write) => {
                self.rule(&kv2_path(&mount, rest), &[Create, Update], place, "secret with data");
            }
            (Some(Kv2 { mount, rest }), _) => {
                let path = kv2_path(&mount, rest);
                self.rule(&path, &[Read], place, "secret");
                // A fixed version never changes.
                if let Some(name) =
                    path.strip_prefix(&format!("{mount}/data/")).filter(|_| mounts.metadata && version.is_none())
                {
                    let path = format!("{mount}/metadata/{name}");
                    self.rule(&path, &[Read], place, "versions only, to read the secret again only when it changed");
                }
            }
            (None, AccessKind::List) => self.rule(path, &[List], place, "secrets"),
            (None, AccessKind::PkiCert) => self.rule(path, &[Update], place, "pkiCert"),
            (None, AccessKind::Write) => {
                let known = mounts.kv1.iter().any(|mount| under(path, mount).is_some());
                let capabilities: &[Capability] = if known { &[Create, Update] } else { &[Update] };
                self.rule(path, capabilities, place, "secret with data");
                self.lease(mounts, path, place);
            }
            (None, _) => {
                self.rule(path, &[Read], place, "secret");
                self.lease(mounts, path, place);
            }
        }
        Ok(())
    }

    fn rule(&mut self, path: &str, capabilities: &[Capability], place: &str, why: &str) {
        let grant = self.rules.entry(path.to_owned()).or_default();
        grant.capabilities.extend(capabilities);
        grant.because.insert(format!("{place}: {why}"));
    }

    /// What an engine makes on request has a lease. The default policy lets a token renew it, but not give it back early.
    fn lease(&mut self, mounts: &Mounts<'_>, path: &str, place: &str) {
        let first = path.split('/').next().unwrap_or_default();
        let leaseless = matches!(first, "auth" | "cubbyhole" | "identity" | "sys");
        if !leaseless && !mounts.kv1.iter().any(|mount| under(path, mount).is_some()) {
            self.leases.entry(path.to_owned()).or_default().insert(place.to_owned());
        }
    }

    /// The KV v2 mount of a path: a declared one, or the one that `mount/data/name` names.
    fn kv2<'p>(&self, mounts: &Mounts<'_>, path: &'p str) -> Option<Kv2<'p>> {
        let declared = mounts
            .kv2
            .iter()
            .filter_map(|mount| Some((mount, under(path, mount)?)))
            .max_by_key(|(mount, _)| mount.len());
        if let Some((mount, rest)) = declared {
            return Some(Kv2 { mount: (*mount).to_owned(), rest });
        }
        let (mount, rest) = path.split_once('/')?;
        let long_form = rest.starts_with("data/") && mounts.kv1.iter().all(|mount| under(path, mount).is_none());
        long_form.then(|| Kv2 { mount: mount.to_owned(), rest })
    }
}

struct Kv2<'p> {
    mount: String,
    rest: &'p str,
}

/// Where consul-template and the agent look for a KV v2 secret: `data/` is put in unless the path has a place of its own.
fn kv2_path(mount: &str, rest: &str) -> String {
    let explicit = ["data/", "metadata/", "subkeys/"].iter().any(|part| rest.starts_with(part));
    if explicit { join(&[mount, rest]) } else { join(&[mount, "data", rest]) }
}

fn join(parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

/// What stands behind a mount, if the path lies under it.
fn under<'p>(path: &'p str, mount: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(mount)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A secret's path must not become a pattern: what stands for itself in a request stands for many things in a policy.
fn check(path: &str) -> Result<(), Problem> {
    let problem = |what: &str, help| Err(Problem { message: format!("{path:?} {what}"), help });
    if path.is_empty() {
        return problem("is empty", "name the secret");
    }
    if path.ends_with('*') {
        return problem(
            "ends in *, which a policy takes for a prefix",
            "rename the secret: a policy cannot name this one alone",
        );
    }
    if path.starts_with('+') || path.contains("/+") || path.contains("+*") {
        return problem("has a segment that begins with +, which a policy takes for any segment", "rename the secret");
    }
    if path.contains("{{") || path.contains("}}") {
        return problem("holds {{ or }}, which a policy takes for a template", "rename the secret");
    }
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return problem(
            "has an empty segment, . or .., which the server does not serve",
            "write the path as the server shows it",
        );
    }
    Ok(())
}
