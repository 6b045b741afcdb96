//! Which kind of mount a path lies in: as declared, as the server always has it, or as the name and the rules suggest.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{self, Endpoint};
use super::pattern::Pattern;
use crate::policy::Capability;

/// Places below a KV v2 mount.
pub(super) const KV2_PLACES: [&str; 8] =
    ["config", "data", "delete", "destroy", "detailed-metadata", "metadata", "subkeys", "undelete"];

/// The mounts of a program.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    declared: BTreeMap<String, String>,
    /// Mounts with a rule below `metadata/`, which only KV v2 has.
    kv2_by_rules: BTreeSet<String>,
    /// The declared ones are all there are.
    pub(super) complete: bool,
}

/// A path's mount.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place<'a> {
    pub(super) mount: &'a str,
    /// `kv2`, `database`, `auth/kubernetes`...
    pub(super) kind: String,
    /// Below the mount.
    pub(super) rest: &'a str,
    /// Declared, or the same on every server.
    pub(super) sure: bool,
}

impl Mounts {
    pub(super) fn new(declared: &BTreeMap<String, String>, complete: bool) -> Self {
        let declared = declared.iter().map(|(mount, kind)| (mount.trim_matches('/').to_owned(), kind.clone()));
        Self { declared: declared.collect(), kv2_by_rules: BTreeSet::new(), complete }
    }

    /// Learns from a rule's path.
    pub(super) fn learn(&mut self, path: &str) {
        let mut segments = path.split('/');
        if let (Some(mount), Some("metadata"), Some(_)) = (segments.next(), segments.next(), segments.next())
            && !matches!(mount, "" | "+" | "sys" | "auth" | "identity")
        {
            self.kv2_by_rules.insert(mount.to_owned());
        }
    }

    /// The mount of a path, when one is known or suggested.
    pub(super) fn place<'a>(&self, path: &'a str) -> Option<Place<'a>> {
        let place = |length: usize, kind: &str, sure: bool| {
            let (mount, rest) = (path.get(..length)?, path.get(length..)?);
            Some(Place { mount, kind: kind.to_owned(), rest: rest.strip_prefix('/').unwrap_or(rest), sure })
        };
        let under = |mount: &str| path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
        let declared = self.declared.iter().filter(|(mount, _)| under(mount)).max_by_key(|(mount, _)| mount.len());
        if let Some((mount, kind)) = declared {
            return place(mount.len(), kind, true);
        }
        let first = path.split('/').next().unwrap_or_default();
        if matches!(first, "sys" | "identity" | "cubbyhole") && under(first) {
            return place(first.len(), first, true);
        }
        if first == "auth" {
            let length = path.match_indices('/').nth(1)?.0;
            let mount = path.get(..length)?;
            return place(length, &catalog::usual_kind(mount)?, mount == "auth/token");
        }
        if !under(first) {
            return None;
        }
        if self.kv2_by_rules.contains(first) {
            return place(first.len(), "kv2", false);
        }
        place(first.len(), &catalog::usual_kind(first)?, false)
    }

    /// The endpoints that a path of a rule reaches, with and without the slash of a list; none where the mount's kind is not
    /// known.
    pub(super) fn reached(&self, path: &str) -> Vec<&'static Endpoint> {
        let Some(place) = self.place(path) else { return Vec::new() };
        let patterns = [place.rest, place.rest.trim_end_matches('/')].map(Pattern::new);
        let endpoints = catalog::endpoints(&place.kind).iter();
        endpoints.filter(|endpoint| patterns.iter().any(|pattern| endpoint.pattern.meets(pattern))).collect()
    }

    /// The capabilities that the endpoints of a path make use of; nothing where they are not known.
    pub(super) fn used(&self, path: &str) -> Option<BTreeSet<Capability>> {
        let reached = self.reached(path);
        let used = reached.iter().flat_map(|endpoint| endpoint.capabilities.iter().copied());
        (!reached.is_empty()).then(|| used.collect())
    }

    /// True when no declared mount and none of the server's own can hold a path.
    pub(super) fn is_unknown(&self, first_segments: &[&str]) -> bool {
        let Some(first) = first_segments.first().filter(|first| !first.is_empty()) else { return false };
        if matches!(*first, "sys" | "identity" | "cubbyhole") || first_segments.starts_with(&["auth", "token"]) {
            return false;
        }
        let joined = first_segments.join("/");
        !self.declared.keys().any(|mount| {
            joined == *mount || joined.starts_with(&format!("{mount}/")) || mount.starts_with(&format!("{joined}/"))
        })
    }

    /// Mounts declared to be of a kind.
    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.declared.iter().filter(move |(_, other)| *other == kind).map(|(mount, _)| mount.as_str())
    }
}
