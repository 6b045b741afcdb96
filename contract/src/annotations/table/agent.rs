//! The agent's container, how it behaves, and what only Vault Agent has.

use crate::annotations::values::Kind;
use crate::annotations::{Entry, Modes};

const CONNECTIONS: Kind = Kind::ListOf(&["auto-auth", "caching", "proxying", "templating"]);
const ONE_AGENT: &str =
    "in native mode one agent with one login writes every file, so there is nothing to hand over between two agents";

pub(super) const CONTAINER: &[Entry] = &[
    Entry::one("agent-image", Kind::Filled, "the injector's setting", "Image of the agent."),
    Entry::one(
        "agent-image-pull-policy",
        Kind::OneOf(&["Always", "IfNotPresent", "Never"]),
        "the injector's setting",
        "When the agent's image is pulled.",
    )
    .only(Modes::Native),
    Entry::one("agent-requests-cpu", Kind::Quantity, "the injector's setting", "CPU request; empty for none."),
    Entry::one("agent-requests-mem", Kind::Quantity, "the injector's setting", "Memory request; empty for none."),
    Entry::one("agent-requests-ephemeral", Kind::Quantity, "none", "Ephemeral storage request."),
    Entry::one("agent-limits-cpu", Kind::Quantity, "the injector's setting", "CPU limit; empty for none."),
    Entry::one(
        "agent-limits-mem",
        Kind::Quantity,
        "the injector's setting",
        "Memory limit; empty for none. It must hold the agent and every file it writes.",
    ),
    Entry::one("agent-limits-ephemeral", Kind::Quantity, "none", "Ephemeral storage limit."),
    Entry::one(
        "agent-run-as-user",
        Kind::Id,
        "by the pod, else the injector's setting",
        "User the agent runs as. Without it: the user of the chosen containers where a signal action needs that, else \
         the pod's `runAsUser`, else the injector's setting.",
    ),
    Entry::one("agent-run-as-group", Kind::Id, "by the pod, else the injector's setting", "Group the agent runs as."),
    Entry::one(
        "agent-run-as-same-user",
        Kind::Bool,
        "false",
        "Runs the agent as the user of the pod's first container, which the container or the pod must name and which \
         must not be root.",
    ),
    Entry::one(
        "agent-set-security-context",
        Kind::Bool,
        "true",
        "Writes a security context that satisfies the restricted pod security standard. Turn it off where the platform \
         chooses users.",
    ),
    Entry::one(
        "agent-copy-volume-mounts",
        Kind::Text,
        "not set",
        "A container whose volume mounts the agent gets too, except service account tokens and the secret volumes.",
    ),
    Entry::one(
        "agent-extra-secret",
        Kind::Text,
        "not set",
        "A Kubernetes Secret mounted in the agent at `/vault/custom`, for instance for approle. It gives a warning.",
    ),
    Entry::one(
        "agent-json-patch",
        Kind::Patch,
        "not set",
        "RFC 6902 operations on the agent's container. They may not change its name or make it something else than an \
         object.",
    ),
    Entry::one(
        "agent-init-json-patch",
        Kind::Patch,
        "not set",
        "The same for the init container of `agent-pre-populate-only`. Elsewhere native mode has no second container, \
         and a patch that differs from `agent-json-patch` is refused.",
    ),
    Entry::one("go-max-procs", Kind::Text, "not set", "Threads of a Go program; the agent is none.")
        .only(Modes::Classic)
        .without_effect("the agent is not a Go program; limit it with agent-limits-cpu"),
];

pub(super) const BEHAVIOUR: &[Entry] = &[
    Entry::one(
        "log-level",
        Kind::OneOf(&["trace", "debug", "info", "warn", "error"]),
        "info",
        "How much the agent says.",
    ),
    Entry::one("log-format", Kind::OneOf(&["standard", "json"]), "standard", "Form of the agent's log lines."),
    Entry::one(
        "template-static-secret-render-interval",
        Kind::Seconds,
        "30s",
        "How often secrets without a lease are looked at.",
    ),
    Entry::one(
        "template-config-exit-on-retry-failure",
        Kind::Bool,
        "true",
        "Written to the agent's configuration. Our agent keeps files and retries whatever it says.",
    ),
    Entry::one(
        "template-max-connections-per-host",
        Kind::Count,
        "no limit",
        "Most connections to the server at once; 0 for no limit.",
    ),
    Entry::one(
        "template-lease-renewal-threshold",
        Kind::Share,
        "0.9",
        "Share of a lease that cannot be renewed after which a new secret is fetched; 0 for the default.",
    ),
    Entry::one(
        "agent-revoke-on-shutdown",
        Kind::Bool,
        "false",
        "Gives the token and its leases back when the pod ends.",
    ),
    Entry::one(
        "agent-revoke-grace",
        Kind::Unsigned,
        "5",
        "Seconds to wait before that. They must fit into the pod's termination grace period.",
    ),
    Entry::one(
        "agent-metrics-address",
        Kind::Socket,
        "none: no port is open",
        "Address on which the agent serves Prometheus metrics, such as `0.0.0.0:9102`.",
    )
    .only(Modes::Native),
    Entry::one(
        "agent-disable-idle-connections",
        CONNECTIONS,
        "none",
        "Parts of Vault Agent that close idle connections. Written to the configuration; our agent keeps one pool.",
    ),
    Entry::one(
        "agent-disable-keep-alives",
        CONNECTIONS,
        "none",
        "Parts of Vault Agent that do not reuse connections. Written to the configuration; our agent keeps one pool.",
    ),
];

pub(super) const CLASSIC: &[Entry] = &[
    Entry::one(
        "agent-cache-enable",
        Kind::Bool,
        "false",
        "Vault Agent's cache, which hands the login of the init container over to the sidecar.",
    )
    .only(Modes::Classic)
    .without_effect("in native mode one agent with one login writes every file; no local API listener is opened"),
    Entry::one(
        "agent-cache-use-auto-auth-token",
        Kind::OneOf(&["true", "false", "force"]),
        "true",
        "Whether requests through the cache's listener carry the agent's token.",
    )
    .only(Modes::Classic)
    .without_effect(ONE_AGENT),
    Entry::one("agent-cache-listener-port", Kind::Text, "8200", "Port of the cache's listener on the pod's loopback.")
        .only(Modes::Classic)
        .later(
            "a local API listener comes with classic mode; until then let the \
         application read files, or the token of agent-inject-token",
        ),
    Entry::one("agent-cache-exit-on-err", Kind::Bool, "false", "Ends Vault Agent when its cache cannot be restored.")
        .only(Modes::Classic)
        .without_effect(ONE_AGENT),
    Entry::one(
        "agent-enable-quit",
        Kind::Bool,
        "false",
        "An endpoint that ends Vault Agent, for Jobs. In native mode Jobs end by themselves.",
    )
    .only(Modes::Classic)
    .later(
        "the quit endpoint comes with classic mode; a Job ends by itself here, so take out \
         the annotation and the call to /agent/v1/quit",
    ),
    Entry::each("agent-telemetry", Kind::Text, "-", "A setting of Vault Agent's telemetry.")
        .only(Modes::Classic)
        .later(
            "Vault Agent's telemetry comes with classic mode; blinkchamber.io/agent-metrics-address serves \
         Prometheus metrics now",
        ),
];
