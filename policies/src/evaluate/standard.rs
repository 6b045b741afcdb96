//! The policy that every token has unless somebody took it away.

use crate::policy::{Dialect, Policy, parse_for};

/// What both servers' `default` grants (OpenBao 2.7.2, Vault 1.21): the path and its capabilities.
const SHARED: &[(&str, &str)] = &[
    ("auth/token/lookup-self", "\"read\""),
    ("auth/token/renew-self", "\"update\""),
    ("auth/token/revoke-self", "\"update\""),
    ("sys/capabilities-self", "\"update\""),
    ("identity/entity/id/{{identity.entity.id}}", "\"read\""),
    ("identity/entity/name/{{identity.entity.name}}", "\"read\""),
    ("sys/internal/ui/resultant-acl", "\"read\""),
    ("sys/leases/renew", "\"update\""),
    ("sys/leases/lookup", "\"update\""),
    ("cubbyhole/*", "\"create\", \"read\", \"update\", \"delete\", \"list\""),
    ("sys/wrapping/wrap", "\"update\""),
    ("sys/wrapping/lookup", "\"update\""),
    ("sys/wrapping/unwrap", "\"update\""),
    ("sys/tools/hash", "\"update\""),
    ("sys/tools/hash/*", "\"update\""),
    ("identity/oidc/provider/+/authorize", "\"read\", \"update\""),
];

const VAULT: &[(&str, &str)] = &[("sys/renew", "\"update\""), ("sys/control-group/request", "\"update\"")];

/// The server's `default` policy.
#[must_use]
pub fn default_policy(dialect: Dialect) -> Policy {
    let own = if dialect == Dialect::Vault { VAULT } else { &[] };
    let rules = SHARED.iter().chain(own);
    let text: String =
        rules.map(|(path, words)| format!("path \"{path}\" {{\n  capabilities = [{words}]\n}}\n")).collect();
    parse_for(dialect, &text, 0).unwrap_or_default()
}
