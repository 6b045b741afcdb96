//! What the server serves: the kinds of mounts, their endpoints, and which of them want `sudo`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::pattern::Pattern;
use crate::policy::Capability::{self, Create, Delete, List, Read, Update};

/// An endpoint of a kind of mount.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Below the mount.
    pub(super) pattern: Pattern,
    /// What it uses.
    pub(super) capabilities: BTreeSet<Capability>,
    /// Needs no token.
    pub(super) open: bool,
}

static ENDPOINTS: LazyLock<BTreeMap<&'static str, Vec<Endpoint>>> = LazyLock::new(|| {
    let mut kinds: BTreeMap<&str, Vec<Endpoint>> = BTreeMap::new();
    let mut kind = "";
    for line in include_str!("endpoints.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            kind = name.trim_end_matches(']');
        } else if let Some((template, operations)) = line.split_once(' ') {
            kinds.entry(kind).or_default().push(endpoint(template, operations));
        }
    }
    kinds
});

fn endpoint(template: &'static str, operations: &str) -> Endpoint {
    let capability = |letter| match letter {
        'r' => Some(vec![Read]),
        'l' => Some(vec![List, Capability::Scan]),
        'u' => Some(vec![Update]),
        'c' => Some(vec![Create]),
        'p' => Some(vec![Capability::Patch]),
        'd' => Some(vec![Delete]),
        _ => None,
    };
    Endpoint {
        pattern: Pattern::endpoint(template),
        capabilities: operations.chars().filter_map(capability).flatten().collect(),
        open: operations.contains('!'),
    }
}

/// The endpoints of a kind of mount; none when the catalogue does not know the kind.
pub(super) fn endpoints(kind: &str) -> &'static [Endpoint] {
    ENDPOINTS.get(kind).map_or(&[], Vec::as_slice)
}

/// True for a kind that the catalogue knows.
pub(super) fn knows(kind: &str) -> bool {
    ENDPOINTS.contains_key(kind)
}

/// Engines whose usual mount has their name.
const ENGINES: [&str; 20] = [
    "alicloud",
    "aws",
    "azure",
    "consul",
    "cubbyhole",
    "database",
    "gcp",
    "gcpkms",
    "identity",
    "kmip",
    "kubernetes",
    "ldap",
    "mongodbatlas",
    "nomad",
    "pki",
    "rabbitmq",
    "ssh",
    "terraform",
    "totp",
    "transit",
];

/// The kind of mount that a name suggests, where nobody said.
pub(super) fn usual_kind(mount: &str) -> Option<String> {
    if mount == "sys" || ENGINES.contains(&mount) || mount.strip_prefix("auth/").is_some_and(|name| !name.is_empty()) {
        return Some(mount.to_owned());
    }
    mount.starts_with("pki").then(|| "pki".to_owned())
}

/// A path that only a token with `sudo` may use, and the capabilities that reach it.
pub(super) struct Protected {
    pub(super) pattern: Pattern,
    pub(super) capabilities: &'static [Capability],
}

const ANY: &[Capability] = &[Create, Read, Update, Delete, List];

static PROTECTED: LazyLock<Vec<Protected>> = LazyLock::new(|| {
    let table: &[(&str, &[Capability])] = &[
        ("auth/token/accessors", &[List]),
        ("auth/token/accessors/", &[List]),
        ("auth/token/revoke-orphan", &[Create, Update]),
        ("sys/audit", ANY),
        ("sys/audit/*", ANY),
        ("sys/auth/*", ANY),
        ("sys/config/auditing/*", ANY),
        ("sys/config/cors", ANY),
        ("sys/config/ui/headers/*", ANY),
        ("sys/internal/inspect/*", ANY),
        ("sys/leases", &[Read]),
        ("sys/leases/lookup/*", &[List]),
        ("sys/leases/revoke-force/*", &[Create, Update]),
        ("sys/leases/revoke-prefix/*", &[Create, Update]),
        ("sys/plugins/catalog/*", ANY),
        ("sys/raw", ANY),
        ("sys/raw/*", ANY),
        ("sys/remount", &[Create, Update]),
        ("sys/rotate", &[Create, Update]),
        ("sys/rotate/keyring", &[Create, Update]),
        ("sys/rotate/root", &[Create, Update]),
        ("sys/seal", &[Create, Update]),
        ("sys/step-down", &[Create, Update]),
    ];
    let row =
        |(path, capabilities): &(&str, &'static [Capability])| Protected { pattern: Pattern::new(path), capabilities };
    table.iter().map(row).collect()
});

/// The protected paths of fixed mounts.
pub(super) fn protected() -> &'static [Protected] {
    &PROTECTED
}

/// Where `sudo` matters beyond the protected paths: what Vault alone protects, and what looks for it in the handler.
static SUDO_MATTERS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let paths = [
        "auth/token/create",
        "auth/token/create-orphan",
        "auth/token/create/*",
        "sys/replication/*",
        "sys/storage/raft/*",
        "sys/plugins/*",
        "sys/revoke-prefix/*",
        "sys/revoke-force/*",
        "sys/internal/counters/*",
        "sys/leases/lookup",
        "sys/config/auditing",
        "sys/config/ui/headers",
        "sys/internal/inspect",
        "sys/plugins/catalog",
    ];
    paths.iter().map(|path| Pattern::new(path)).collect()
});

/// What a certificate authority protects below its mount.
const AUTHORITY: [&str; 2] = ["root", "root/sign-self-issued"];

/// True when `sudo` makes a difference for some path of a rule, whose mount is of a kind that may not be known. A rule that
/// begins with a wildcard reaches every mount.
pub(super) fn sudo_matters(pattern: &Pattern, kind: Option<&str>, below: &Pattern) -> bool {
    let authority = kind == Some("pki") && AUTHORITY.iter().any(|path| Pattern::new(path).meets(below));
    authority
        || pattern.literal_segments().is_empty()
        || PROTECTED.iter().any(|protected| protected.pattern.meets(pattern))
        || SUDO_MATTERS.iter().any(|matters| matters.meets(pattern))
}
