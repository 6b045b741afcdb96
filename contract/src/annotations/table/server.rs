//! Where the server is, how it is trusted, and how the agent logs in.

use crate::annotations::values::Kind;
use crate::annotations::{Entry, Modes};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::one("service", Kind::Filled, "the injector's setting", "URL of the server."),
    Entry::one(
        "namespace",
        Kind::Text,
        "none",
        "Namespace of the server (OpenBao, Vault Enterprise) in which the agent logs in.",
    ),
    Entry::one(
        "proxy-address",
        Kind::ProxyUrl,
        "none",
        "HTTP proxy on the way to the server, given as `HTTPS_PROXY`: the agent asks it for a tunnel (`CONNECT`), in \
         which TLS runs from end to end. Without effect on an `http://` server.",
    ),
    Entry::one(
        "tls-secret",
        Kind::Text,
        "not set",
        "A Kubernetes Secret with certificates, mounted in the agent at `/vault/tls`. Prefer `ca-cert` or the \
         injector's own authority: this is a Kubernetes Secret, and using it gives a warning.",
    ),
    Entry::one("ca-cert", Kind::Text, "not set", "PEM file in the agent's container with the authorities to trust."),
    Entry::one(
        "ca-key",
        Kind::Text,
        "not set",
        "Directory in the agent's container with PEM files of authorities to trust. The name is vault-k8s's.",
    ),
    Entry::one("client-cert", Kind::Text, "not set", "PEM file with the agent's client certificate."),
    Entry::one("client-key", Kind::Text, "not set", "PEM file with the key of the client certificate."),
    Entry::one("tls-server-name", Kind::Text, "the host of the address", "Name the server's certificate must have."),
    Entry::one("tls-skip-verify", Kind::Bool, "false", "Does not verify the server's certificate. Not for production."),
    Entry::one("client-timeout", Kind::Seconds, "60s", "Time limit of one request, given as `VAULT_CLIENT_TIMEOUT`."),
    Entry::one(
        "client-max-retries",
        Kind::Text,
        "no limit",
        "The agent retries with growing pauses for as long as the pod lives.",
    )
    .only(Modes::Classic)
    .without_effect("the agent retries for as long as the pod lives"),
    Entry::one("role", Kind::Text, "not set", "Role of the login. The kubernetes method cannot do without one."),
    Entry::one(
        "auth-type",
        Kind::Filled,
        "kubernetes",
        "Login method: `kubernetes`, `approle` or `token_file`. Others are refused until they are available.",
    ),
    Entry::one("auth-path", Kind::Filled, "auth/kubernetes", "Mount path of the login method."),
    Entry::each(
        "auth-config",
        Kind::Text,
        "-",
        "A setting of the login method, such as `auth-config-role-id-file-path`; dashes become underscores.",
    ),
    Entry::one("auth-min-backoff", Kind::Duration, "1s", "Shortest pause between two attempts to log in."),
    Entry::one("auth-max-backoff", Kind::Duration, "5m", "Longest pause between two attempts to log in."),
    Entry::one(
        "agent-auto-auth-exit-on-err",
        Kind::Bool,
        "false",
        "The agent ends with an error when its first login fails.",
    ),
    Entry::one(
        "agent-service-account-token-volume-name",
        Kind::Text,
        "a volume of our own",
        "A projected volume of the pod to take the service account token from.",
    ),
    Entry::one(
        "token-audience",
        Kind::Text,
        "the injector's setting",
        "Audience of the projected service account token; empty for the API server's own.",
    )
    .only(Modes::Native),
    Entry::one(
        "token-expiration",
        Kind::Seconds,
        "the injector's setting",
        "Life of the projected service account token, 10 minutes at least. The kubelet renews it.",
    )
    .only(Modes::Native),
];
