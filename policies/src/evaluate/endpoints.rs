//! What the servers' endpoints are like: open to everyone, protected, or deciding between create and update.
//!
//! Facts: the OpenAPI document of OpenBao 2.7.2 (`x-vault-unauthenticated`, `x-vault-sudo`, `x-vault-createSupported`),
//! Vault's `api/sudo_paths.go`, and requests to a real server. Mounts of secret engines are known by their usual names.

use super::Pattern;
use crate::policy::Dialect;

/// Answered without a look at any policy.
const OPEN: &[&str] = &[
    "auth/+/cel/login",
    "auth/+/login",
    "auth/+/login/+",
    "auth/+/oidc/auth_url",
    "auth/+/oidc/callback",
    "auth/+/oidc/poll",
    "identity/oidc/.well-known/*",
    "identity/oidc/provider/+/.well-known/*",
    "identity/oidc/provider/+/token",
    "pki/acme/*",
    "pki/ca",
    "pki/ca/pem",
    "pki/ca_chain",
    "pki/cert/*",
    "pki/crl*",
    "pki/issuer/+/acme/*",
    "pki/issuer/+/crl*",
    "pki/issuer/+/der",
    "pki/issuer/+/json",
    "pki/issuer/+/pem",
    "pki/issuer/+/roles/+/acme/*",
    "pki/ocsp*",
    "pki/roles/+/acme/*",
    "ssh/issuer/+/public_key",
    "ssh/public_key",
    "ssh/verify",
    "sys/decode-token",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/init",
    "sys/internal/specs/openapi",
    "sys/internal/ui/mounts",
    "sys/internal/ui/namespaces",
    "sys/leader",
    "sys/mfa/validate",
    "sys/rekey/init",
    "sys/rekey/update",
    "sys/rekey/verify",
    "sys/seal-status",
    "sys/unseal",
    "sys/wrapping/lookup",
];

/// Needs `sudo` beside the capability, on both servers.
const PROTECTED: &[&str] = &[
    "auth/token/accessors*",
    "pki/root",
    "pki/root/sign-self-issued",
    "sys/audit",
    "sys/audit/*",
    "sys/auth/*",
    "sys/config/auditing/*",
    "sys/config/cors",
    "sys/config/ui/headers/*",
    "sys/internal/inspect/*",
    "sys/leases/lookup/*",
    "sys/leases/revoke-force/*",
    "sys/leases/revoke-prefix/*",
    "sys/plugins/catalog/*",
    "sys/raw",
    "sys/raw/*",
    "sys/remount",
    "sys/revoke-force/*",
    "sys/revoke-prefix/*",
    "sys/rotate",
    "sys/seal",
    "sys/step-down",
    "sys/storage/raft/snapshot-auto/config/*",
];

const PROTECTED_OPENBAO: &[&str] = &["sys/leases", "sys/rotate/keyring", "sys/rotate/root"];
const PROTECTED_VAULT: &[&str] = &[
    "sys/internal/counters/activity/export",
    "sys/leases",
    "sys/plugins/runtimes/catalog*",
    "sys/replication/+/primary/secondary-token",
    "sys/replication/+/secondary-token",
    "sys/replication/reindex",
];

/// Tells create from update, among the mounts below.
const EXISTENCE: &[&str] = &[
    "auth/+/role/*",
    "auth/+/roles/*",
    "auth/+/users/*",
    "database/config/*",
    "database/roles/*",
    "database/static-roles/*",
    "identity/oidc/assignment/*",
    "identity/oidc/client/*",
    "identity/oidc/key/*",
    "identity/oidc/provider/*",
    "identity/oidc/role/*",
    "identity/oidc/scope/*",
    "sys/raw",
    "sys/raw/*",
    "transit/cache-config",
    "transit/encrypt/*",
];

/// Mounts whose endpoints are all known: what is not among [`EXISTENCE`] takes every write for an update.
const KNOWN: &[&str] =
    &["auth/token/*", "database/*", "identity/*", "pki/*", "ssh/sign/*", "ssh/issue/*", "sys/*", "transit/*"];

/// True for an endpoint that asks for no token.
pub(super) fn is_open(path: &str) -> bool {
    among(OPEN, path)
}

/// True for an endpoint that needs `sudo`.
pub(super) fn is_protected(path: &str, dialect: Dialect) -> bool {
    let own = if dialect == Dialect::OpenBao { PROTECTED_OPENBAO } else { PROTECTED_VAULT };
    among(PROTECTED, path) || among(own, path)
}

/// True for an endpoint where writing something new is an update all the same.
pub(super) fn only_updates(path: &str) -> bool {
    among(KNOWN, path) && !among(EXISTENCE, path)
}

fn among(patterns: &[&str], path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let near = |pattern: &&&str| pattern.split('/').next() == Some(first);
    patterns.iter().filter(near).any(|pattern| Pattern::new(pattern).matches(path))
}
