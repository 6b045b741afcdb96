//! What vault-k8s 1.7.6 answered to pods of our own, and what we answer: the same, or a difference with a reason.

use super::*;

/// One line a case: the pod, the injector's flags, what the peer did and the configuration it wrote.
const CASES: &str = include_str!("vault-k8s.jsonl");

/// Where we differ: our answer, why, and for which cases.
const DIFFERENCES: &[(&str, &str, &[&str])] = &[
    ("refuse", "kube-node-lease is a system namespace too", &["gate-namespace-kube-node-lease"]),
    (
        "refuse",
        "what classic mode brings is refused, so that nothing is lost silently",
        &[
            "bool-agent-enable-quit-true",
            "shape-volumes-null",
            "vault-configmap",
            "vault-configmap-init-only",
            "jp-configmap",
            "flag-cacert-pem-configmap",
            "cache-off-options-given",
            "quit-port",
            "quit-and-cache",
            "quit-and-cache-sidecar-only",
            "quit-init-only",
            "mix-telemetry-quit-backoff",
            "tel-prometheus",
            "tel-number-into-string",
            "tel-word-into-bool",
            "tel-quoted-into-bool",
            "tel-huge-into-int",
            "tel-string-into-list",
            "tel-list-null",
            "tel-false-only",
            "tel-object",
            "tel-object-unknown",
            "tel-upper-case-key",
            "tel-collision",
            "tel-circonus",
            "tel-rest",
        ],
    ),
    (
        "refuse",
        "a login method that the agent does not have would leave the pod waiting for ever",
        &[
            "auth-type-unknown-no-role",
            "auth-aws-irsa",
            "auth-aws-irsa-mount-first",
            "auth-aws-region-config-only",
            "auth-aws-env-from-field",
            "flag-auth-type-no-role",
        ],
    ),
    (
        "refuse",
        "a value that means nothing is refused when the pod is made, not found out later",
        &[
            "bool-preserve-secret-case-bad",
            "bool-error-on-missing-key-unknown-name-bad",
            "secret-preserve-one-bad",
            "secret-perms-word",
            "secret-perms-octal-prefix",
            "sec-user-negative",
            "auth-min-backoff-negative",
            "cache-use-auto-auth-token-nonsense",
            "tmplcfg-interval-word",
            "tmplcfg-max-connections-negative",
            "tmplcfg-threshold-negative",
            "tmplcfg-threshold-large",
        ],
    ),
    (
        "refuse",
        "numbers in Go's special spellings are not worth a parser",
        &["tmplcfg-threshold-hex", "tmplcfg-threshold-underscore"],
    ),
    (
        "refuse",
        "two secrets with one file overwrite each other",
        &["secret-template-other-case", "secret-name-case-two-collide", "secret-token-and-secret-named-token"],
    ),
    (
        "refuse",
        "a file stays below its volume, and a volume has an absolute path",
        &["secret-file-blank", "path-relative", "path-root", "path-dotdot", "path-one-with-file-up"],
    ),
    ("inject", "the token volume is our own, so none has to be found", &["sa-no-mount-volume-present"]),
    (
        "refuse",
        "names and paths that are taken make a pod that the API server refuses",
        &[
            "shape-container-named-vault-agent",
            "shape-volume-named-vault-secrets",
            "shape-mount-at-vault-secrets",
            "shape-injected-forced-again",
        ],
    ),
    ("refuse", "nobody would get the files", &["shape-inject-containers-missing"]),
    ("inject", "the pod's security context counts too", &["sec-same-user-pod-context-only"]),
    ("refuse", "the API server refuses requests above limits", &["res-requests-over-limits"]),
    ("refuse", "an injection without any agent writes no file", &["res-bad-without-any-container"]),
    ("refuse", "native mode has one container only", &["jp-init-only-add"]),
    (
        "refuse",
        "patches follow RFC 6902",
        &["jp-replace-missing", "jp-index-negative", "jp-replace-missing-known-field"],
    ),
    (
        "skip",
        "the API server has decoded the pod before it asks",
        &["review-metadata-string", "review-creation-timestamp-bad"],
    ),
    ("inject", "the API server has decoded the pod before it asks", &["review-bad-quantity-in-pod"]),
];

#[test]
fn pods_are_treated_as_vault_k8s_treats_them_or_for_a_reason_not() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (id, peer) = (text(&case, "id"), text(&case, "peer"));
        let (ours, detail) = answer(&case);
        let difference = DIFFERENCES.iter().find(|(_, _, ids)| ids.contains(&id));
        let wanted = difference.map_or(peer, |(answer, _, _)| *answer);
        if ours != wanted || difference.is_some_and(|(answer, _, _)| *answer == peer) {
            wrong.push(format!("{id}: {ours}, the peer {peer}, expected {wanted}: {detail}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_difference_is_about_a_case() {
    let known: Vec<String> = cases().map(|case| text(&case, "id").to_owned()).collect();
    for id in DIFFERENCES.iter().flat_map(|(_, _, ids)| *ids).chain(OTHER_CONFIGURATIONS.iter().map(|(id, ..)| id)) {
        assert!(known.iter().any(|case| case == id), "{id} is no case");
    }
}

/// Where the configuration differs: the case, the part, and why.
const OTHER_CONFIGURATIONS: &[(&str, &str, &str)] = &[
    ("secret-delims-default-template", "template", "the default templates are read with the delimiters they are in"),
    ("secret-delims-left-only", "template", "the default templates are read with the delimiters they are in"),
    ("secret-token-custom-path", "template", "paths have one slash between their parts"),
    ("auth-config-empty-suffix", "auto_auth", "a setting without a name is none"),
    (
        "jp-drop-config",
        "exit_after_auth",
        "the patch took the sidecar's configuration away; this is the init container's",
    ),
];

#[test]
fn the_agent_is_told_what_vault_k8s_tells_it() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in cases().filter(|case| case["config"].is_object()) {
        let defaults = flags(&case);
        let Ok(Outcome { decision: Decision::Inject(plan), .. }) =
            plan(Request { namespace: text(&case, "namespace"), pod: &case["pod"] }, &defaults)
        else {
            continue;
        };
        let id = text(&case, "id");
        let (ours, peer) =
            (levelled(serde_json::to_value(&plan.config).expect("JSON")), levelled(case["config"].clone()));
        for key in [
            "auto_auth",
            "exit_after_auth",
            "vault",
            "template",
            "template_config",
            "disable_idle_connections",
            "disable_keep_alives",
        ] {
            let differs = ours[key] != peer[key];
            let expected = OTHER_CONFIGURATIONS.iter().any(|(other, part, _)| *other == id && *part == key);
            if differs != expected {
                wrong.push(format!("{id}: {key}\n  ours {}\n  peer {}", ours[key], peer[key]));
            }
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 150, "only {compared} cases were compared");
}

/// Both configurations in one spelling, without what is ours on purpose: where the token lies, the modes and groups of files.
fn levelled(mut config: Value) -> Value {
    if let Some(method) = config["auto_auth"].get("method").cloned() {
        config["auto_auth"] = method;
    }
    if let Some(settings) = config["auto_auth"]["config"].as_object_mut() {
        settings.remove("token_path");
    }
    for list in ["disable_idle_connections", "disable_keep_alives"] {
        let names: Vec<&str> = config[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        config[list] = names.into_iter().map(str::trim).filter(|name| !name.is_empty()).collect();
    }
    let mut templates = config["template"].as_array().cloned().unwrap_or_default();
    for template in templates.iter_mut().filter_map(Value::as_object_mut) {
        template.remove("perms");
        template.remove("group");
    }
    templates.sort_by_key(|template| template["destination"].to_string());
    config["template"] = templates.into();
    config
}

fn cases() -> impl Iterator<Item = Value> {
    CASES.lines().map(|line| serde_json::from_str(line).expect("JSON"))
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn answer(case: &Value) -> (&'static str, String) {
    match plan(Request { namespace: text(case, "namespace"), pod: &case["pod"] }, &flags(case)) {
        Err(refusal) => ("refuse", refusal.to_string()),
        Ok(Outcome { decision: Decision::Skip, .. }) => ("skip", String::new()),
        Ok(Outcome { decision: Decision::Inject(_), .. }) => ("inject", String::new()),
    }
}

/// The peer's flags as our defaults.
fn flags(case: &Value) -> Defaults {
    let mut defaults = Defaults::new("hashicorp/vault:2.0.4", "https://vault.example:8200");
    for flag in case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
        let annotation = match name.trim_start_matches('-') {
            "vault-address" => "service",
            "vault-auth-type" => "auth-type",
            "vault-auth-path" => "auth-path",
            "vault-image" => "agent-image",
            "vault-namespace" => "namespace",
            "default-template" => "agent-inject-default-template",
            "run-as-user" => "agent-run-as-user",
            "run-as-group" => "agent-run-as-group",
            "run-as-same-user" => "agent-run-as-same-user",
            "set-security-context" => "agent-set-security-context",
            "revoke-on-shutdown" => "agent-revoke-on-shutdown",
            "vault-cacert-bytes" => {
                defaults.ca_cert_pem = Some(value.to_owned());
                continue;
            }
            other => other,
        };
        defaults.annotations.insert(annotation.to_owned(), value.to_owned());
    }
    defaults
}
