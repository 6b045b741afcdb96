//! What is injected, and into which containers.

use crate::annotations::values::Kind;
use crate::annotations::{Entry, Modes};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::one("agent-inject", Kind::Bool, "false", "The master switch: a pod is left alone unless this is true."),
    Entry::one(
        "agent-inject-status",
        Kind::Text,
        "not set",
        "`injected` says that the pod has its agent. Without `blinkchamber.io/injected` beside it another injector did \
         the work and the pod is left alone; any other value changes nothing.",
    ),
    Entry::one(
        "injected",
        Kind::Text,
        "written by the injector",
        "A hash of what the agent was told, so that a change is visible. It also lets a second admission pass complete \
         the mounts of containers that were added meanwhile.",
    )
    .written(),
    Entry::one(
        "mode",
        Kind::OneOf(&["native", "classic"]),
        "native",
        "`native` injects one agent as an init container that keeps running (Kubernetes 1.29 or newer). `classic`, an \
         init container and a sidecar as vault-k8s writes them, is not available yet and refused.",
    ),
    Entry::one(
        "agent-inject-containers",
        Kind::Names,
        "all containers",
        "Containers that get the secret volumes, separated by commas; spaces do not count. Init containers always get \
         them. A name that no container has gives a warning, a list without any known name is refused.",
    ),
    Entry::one(
        "agent-init-first",
        Kind::Bool,
        "false",
        "Puts the agent before the pod's own init containers, so that those find the files too.",
    ),
    Entry::one(
        "agent-pre-populate",
        Kind::Bool,
        "true",
        "The containers after the agent start once every file is there. When false the agent starts beside them and \
         files appear later.",
    ),
    Entry::one(
        "agent-pre-populate-only",
        Kind::Bool,
        "false",
        "The agent writes the files once and ends: nothing is renewed, rotated or reloaded afterwards.",
    ),
    Entry::one(
        "agent-share-process-namespace",
        Kind::Bool,
        "not set: the pod decides",
        "Sets `shareProcessNamespace` of the pod. Signal actions of `agent-reload-<name>` need it and set it by \
         themselves.",
    ),
    Entry::one(
        "agent-request-namespace",
        Kind::Filled,
        "the request's namespace",
        "The namespace always comes from the admission request; a pod cannot claim another one.",
    )
    .without_effect("the namespace of the admission request is used"),
    Entry::one(
        "agent-configmap",
        Kind::Text,
        "not set",
        "A ConfigMap with complete agent configurations instead of a generated one.",
    )
    .only(Modes::Classic)
    .later(
        "complete configurations from a ConfigMap come with classic mode; until then \
         describe the secrets with annotations",
    ),
];
