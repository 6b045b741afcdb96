//! The table is whole, and names find their rows.

use std::collections::BTreeSet;

use super::*;

/// The rows of vault-k8s 1.7.6: names, and families with a dash at the end.
const PEER: &str = "agent-inject agent-inject-status agent-inject-secret- agent-inject-template- agent-inject-template-file- \
    agent-template-left-delim- agent-template-right-delim- agent-inject-file- agent-inject-perms- agent-inject-command- \
    error-on-missing-key- secret-volume-path secret-volume-path- preserve-secret-case preserve-secret-case- \
    agent-inject-default-template agent-inject-containers agent-inject-token agent-image agent-request-namespace \
    agent-init-first agent-pre-populate agent-pre-populate-only agent-configmap agent-extra-secret \
    agent-copy-volume-mounts agent-limits-cpu agent-limits-mem agent-limits-ephemeral agent-requests-cpu \
    agent-requests-mem agent-requests-ephemeral agent-revoke-on-shutdown agent-revoke-grace agent-run-as-user \
    agent-run-as-group agent-run-as-same-user agent-set-security-context agent-share-process-namespace \
    agent-service-account-token-volume-name service proxy-address tls-secret ca-cert ca-key client-cert client-key \
    tls-server-name tls-skip-verify client-max-retries client-timeout go-max-procs log-level log-format namespace role \
    auth-type auth-path auth-config- auth-min-backoff auth-max-backoff agent-auto-auth-exit-on-err agent-cache-enable \
    agent-cache-use-auto-auth-token agent-cache-listener-port agent-cache-exit-on-err agent-enable-quit \
    template-config-exit-on-retry-failure template-static-secret-render-interval template-max-connections-per-host \
    template-lease-renewal-threshold agent-disable-idle-connections agent-disable-keep-alives agent-json-patch \
    agent-init-json-patch agent-telemetry-";

#[test]
fn the_table_has_every_row_of_vault_k8s_and_each_row_once() {
    let peer: Vec<&str> = PEER.split_whitespace().collect();
    assert_eq!(peer.len(), 76);
    for name in peer {
        let (name, family) = name.strip_suffix('-').map_or((name, false), |name| (name, true));
        assert!(entries().any(|entry| entry.name == name && entry.family == family), "{name} is missing");
    }
    let rows: BTreeSet<String> = entries().map(Entry::pattern).collect();
    assert_eq!(rows.len(), entries().count());
}

#[test]
fn every_row_is_documented_and_its_reasons_are_sentences_without_an_end() {
    for entry in entries() {
        assert!(entry.doc.ends_with('.'), "{}", entry.name);
        assert!(!entry.default.is_empty(), "{}", entry.name);
        if let Status::Later(reason) | Status::NoEffect(reason) = entry.status {
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{}", entry.name);
        }
    }
}

#[test]
fn names_find_their_rows() {
    let found = |suffix: &'static str| find(suffix).map(|(entry, member)| (entry.pattern(), member));
    let row = |pattern: &str, member: &'static str| Some((pattern.to_owned(), member));
    assert_eq!(found("agent-inject"), row("agent-inject", ""));
    assert_eq!(found("agent-inject-token"), row("agent-inject-token", ""));
    assert_eq!(found("agent-inject-template-db"), row("agent-inject-template-<name>", "db"));
    assert_eq!(found("agent-inject-template-file-db"), row("agent-inject-template-file-<name>", "db"));
    assert_eq!(found("agent-inject-secret-a-b.c"), row("agent-inject-secret-<name>", "a-b.c"));
    assert_eq!(found("secret-volume-path"), row("secret-volume-path", ""));
    assert_eq!(found("secret-volume-path-x"), row("secret-volume-path-<name>", "x"));
    assert_eq!(found("agent-inject-secret-"), None);
    assert_eq!(found("agent-inject-nothing"), None);
}

#[test]
fn keys_lose_their_prefix_or_are_not_ours() {
    assert_eq!(strip("blinkchamber.io/role"), Some((0, "role")));
    assert_eq!(strip("vault.hashicorp.com/role"), Some((1, "role")));
    assert_eq!(strip("openbao.org/role"), Some((2, "role")));
    assert_eq!(strip("example.com/role"), None);
}

#[test]
fn the_nearest_name_is_near() {
    assert_eq!(nearest::nearest("agent-inject-sercet-DB").as_deref(), Some("agent-inject-secret-DB"));
    assert_eq!(nearest::nearest("agent-init-frist").as_deref(), Some("agent-init-first"));
    assert_eq!(nearest::nearest("AGENT-INJECT").as_deref(), Some("agent-inject"));
    assert_eq!(nearest::nearest("weather"), None);
    assert_eq!(nearest::nearest(""), None);
}
