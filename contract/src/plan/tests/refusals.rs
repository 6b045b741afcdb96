//! Pods that are refused, left alone or warned about.

use super::*;

/// Annotations (without prefix) and what the refusal must say.
type Refused = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const REFUSED: &[Refused] = &[
    (&[("agent-inject", "yes")], &["blinkchamber.io/agent-inject: \"yes\"", "expected true or false"]),
    (&[("mode", "classic")], &["mode: \"classic\" is not supported yet"]),
    (&[("mode", "turbo")], &["blinkchamber.io/mode: \"turbo\"", "native, classic"]),
    (&[("agent-configmap", "x")], &["agent-configmap: \"x\" is not supported yet", "classic mode"]),
    (&[("agent-enable-quit", "true")], &["agent-enable-quit", "not supported yet"]),
    (&[("agent-telemetry-disable-hostname", "true")], &["agent-telemetry-disable-hostname", "agent-metrics-address"]),
    (&[("agent-run-as-user", "")], &["agent-run-as-user: \"\"", "a number from 0"]),
    (&[("agent-inject-perms-db", "0999")], &["agent-inject-perms-db: \"0999\"", "octal"]),
    (&[("agent-inject-perms-db", "4755")], &["agent-inject-perms-db", "0777"]),
    (&[("agent-inject-file-db", "../x")], &["agent-inject-file-db: \"../x\"", "below /vault/secrets"]),
    (&[("agent-inject-file-db", "..data")], &["agent-inject-file-db"]),
    (&[("agent-inject-file-db", ".")], &["agent-inject-file-db"]),
    (&[("agent-inject-file-db", "a/")], &["agent-inject-file-db"]),
    (&[("agent-inject-secret-x", "kv/x"), ("agent-inject-file-x", "db")], &["db and x have the same file"]),
    (&[("agent-inject-secret-x", "kv/x"), ("agent-inject-file-x", "db/x")], &["as a file and as a directory"]),
    (
        &[
            ("secret-volume-path", "/a"),
            ("agent-inject-file-db", "b/x"),
            ("agent-inject-secret-x", "kv/x"),
            ("secret-volume-path-x", "/a/b"),
        ],
        &["secret db has its file /a/b/x in the volume of /a/b"],
    ),
    (&[("secret-volume-path", "/vault/tls"), ("tls-secret", "x")], &["two volumes at /vault/tls"]),
    (&[("secret-volume-path", "/home/vault/x")], &["/home/vault/x is the agent's home"]),
    (&[("agent-pre-populate", "0"), ("agent-pre-populate-only", "1")], &["no agent at all"]),
    (&[("agent-inject-containers", "web")], &["names no container of the pod: expected some of app"]),
    (&[("agent-copy-volume-mounts", "web")], &["agent-copy-volume-mounts: \"web\"", "one of app"]),
    (&[("agent-service-account-token-volume-name", "x")], &["agent-service-account-token-volume-name: \"x\""]),
    (&[("auth-type", "jwt")], &["\"jwt\"", "kubernetes, approle, token_file"]),
    (&[("auth-type", "approle")], &["blinkchamber.io/auth-config-role-id-file-path"]),
    (&[("role", "")], &["login method kubernetes needs the annotation blinkchamber.io/role"]),
    (&[("service", "")], &["blinkchamber.io/service", "not empty"]),
    (&[("agent-image", " ")], &["blinkchamber.io/agent-image"]),
    (&[("log-level", "loud")], &["log-level: \"loud\"", "trace, debug, info, warn, error"]),
    (&[("token-expiration", "5m")], &["token-expiration: \"5m\"", "600s"]),
    (&[("volume-size-limit", "16MB")], &["volume-size-limit: \"16MB\"", "64Mi"]),
    (&[("agent-metrics-address", "9102")], &["agent-metrics-address", "0.0.0.0:9102"]),
    (&[("agent-inject-user-db", "1000")], &["agent-inject-user-db: \"1000\"", "runs as user 100", "agent-run-as-user"]),
    (&[("agent-inject-group-db", "7")], &["agent-inject-group-db: \"7\"", "one of 1000", "fsGroup"]),
    (&[("agent-reload-db", "restart")], &["agent-reload-db: \"restart\"", "signal:HUP"]),
    (&[("agent-reload-db", "signal:HUP:app")], &["app: no user named", "agent-run-as-user"]),
    (
        &[
            ("agent-reload-db", "signal:HUP:app"),
            ("agent-run-as-user", "5"),
            ("agent-share-process-namespace", "false"),
        ],
        &["rules out the signal actions"],
    ),
    (&[("agent-reload-db", "http:GET:http://x"), ("agent-pre-populate-only", "true")], &["keeps running"]),
    (&[("agent-json-patch", "{}")], &["agent-json-patch: \"{}\"", "RFC 6902"]),
    (&[("agent-json-patch", r#"[{"op":"remove","path":"/x"}]"#)], &["cannot be applied"]),
    (&[("agent-json-patch", r#"[{"op":"replace","path":"/name","value":"x"}]"#)], &["must stay vault-agent"]),
    (&[("agent-json-patch", r#"[{"op":"replace","path":"","value":5}]"#)], &["must stay vault-agent"]),
    (&[("agent-init-json-patch", r#"[{"op":"remove","path":"/args"}]"#)], &["no second container"]),
    (&[("agent-run-as-same-user", "true")], &["container app names no user"]),
    (&[("agent-requests-cpu", "2"), ("agent-limits-cpu", "1")], &["agent-requests-cpu: \"2\" is more than"]),
];

#[test]
fn refusals_name_the_annotation_the_value_and_what_is_accepted() {
    for (annotations, parts) in REFUSED {
        let message = refused(&pod(annotations));
        for part in *parts {
            assert!(message.contains(part), "{annotations:?}: {message:?} lacks {part:?}");
        }
    }
}

#[test]
fn every_problem_is_named_at_once() {
    let refusal = outcome(&pod(&[("agent-init-first", "maybe"), ("log-format", "xml"), ("auth-type", "ldap")]));
    assert_eq!(refusal.expect_err("refused").problems.len(), 3);
}

#[test]
fn a_long_value_is_cut_in_the_message() {
    let message = refused(&pod(&[("agent-json-patch", &"x".repeat(5000))]));
    assert!(message.len() < 400, "{message}");
}

#[test]
fn names_and_paths_of_the_pod_do_not_collide_with_ours() {
    let mut taken = pod(&[]);
    taken["spec"]["initContainers"] = json!([{"name": "vault-agent"}]);
    taken["spec"]["volumes"] = json!([{"name": "vault-secrets-custom-3"}, {"name": "vault-agent-home"}]);
    taken["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/vault/secrets/"}]);
    let Refusal { problems } = outcome(&taken).expect_err("refused");
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("mounts volume data at /vault/secrets")));
    assert!(refused(&json!({"metadata": pod(&[])["metadata"], "spec": {}})).contains("no container"));
}

#[test]
fn signals_need_one_user_and_a_shared_process_namespace() {
    let mut pod = pod(&[("agent-reload-db", "signal:USR1:app")]);
    pod["spec"]["containers"] = json!([
        {"name": "app", "securityContext": {"runAsUser": 5}}, {"name": "side", "securityContext": {"runAsUser": 6}},
    ]);
    assert!(refused(&pod).contains("app: user 5, side: user 6"));
    pod["metadata"]["annotations"]["blinkchamber.io/agent-inject-containers"] = "app, mesh".into();
    assert_eq!(planned(&pod).container.value()["securityContext"]["runAsUser"], 5);
    assert!(warnings(&pod).contains("names mesh, which is not a container of the pod (yet)"));
    pod["spec"]["shareProcessNamespace"] = false.into();
    assert!(refused(&pod).contains("which the pod sets to false"));
    pod["spec"].as_object_mut().expect("a map").remove("shareProcessNamespace");
    pod["spec"]["hostPID"] = true.into();
    assert!(refused(&pod).contains("hostPID"));
}

#[test]
fn gates() {
    let mut pod = pod(&[]);
    assert!(matches!(plan(Request { namespace: "kube-system", pod: &pod }, &defaults()), Err(Refusal { .. })));
    assert!(matches!(plan(Request { namespace: "", pod: &pod }, &defaults()), Err(Refusal { .. })));
    pod["status"] = json!({"phase": "Running"});
    assert!(skipped(&pod));
    pod["status"] = json!({"phase": "Pending"});
    assert!(!skipped(&pod));
    pod["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-status"] = "injected".into();
    assert!(skipped(&pod), "another injector did it");
    pod["spec"]["schedulingGates"] = json!([{"name": "blinkchamber.io/injection"}]);
    assert_eq!(planned(&pod).containers, ["app"], "a gated pod would wait for ever");
    pod["metadata"]["annotations"]["blinkchamber.io/agent-inject"] = "false".into();
    assert!(refused(&pod).contains("scheduling gate blinkchamber.io/injection"));
    pod["spec"]["schedulingGates"] = json!([{"name": "example.com/other"}]);
    assert!(skipped(&pod));
}

#[test]
fn unknown_keys_and_settings_without_effect_give_warnings() {
    let cases = [
        ("agent-inject-templat-foo", "did you mean blinkchamber.io/agent-inject-template-foo?"),
        ("agent-inject-TEMPLATE-Foo", "did you mean blinkchamber.io/agent-inject-template-Foo?"),
        ("agent-inject-secret", "it needs a name, as in blinkchamber.io/agent-inject-secret-<name>"),
        ("agent-inject-secret-", "it needs a name"),
        ("agent-prepopulate-only", "did you mean blinkchamber.io/agent-pre-populate-only?"),
        ("rol", "did you mean blinkchamber.io/role?"),
        ("completely-different-thing", "is unknown and ignored"),
        ("agent-inject-perms-web", "no secret is named web"),
        ("agent-cache-enable", "no local API listener"),
        ("go-max-procs", "not a Go program"),
        ("agent-inject-command-db", "agent-reload-db needs none"),
        ("agent-template-left-delim-db", "the delimiters of secret db are ignored"),
    ];
    for (name, part) in cases {
        let warnings = warnings(&pod(&[(name, if name == "agent-inject-perms-web" { "0400" } else { "true" })]));
        assert!(warnings.contains(part), "{name}: {warnings:?}");
        assert_eq!(warnings.lines().count(), 1, "{name}: {warnings:?}");
    }
    let typo = json!({"metadata": {"annotations": {"vault.hashicorp.com/agent-injekt": "true"}}});
    let outcome = outcome(&typo).expect("left alone");
    assert!(matches!(outcome.decision, Decision::Skip));
    assert!(outcome.warnings.join("").contains("did you mean vault.hashicorp.com/agent-inject?"));
}

#[test]
fn a_revocation_that_does_not_fit_gives_a_warning() {
    let mut pod = pod(&[("agent-revoke-on-shutdown", "true"), ("agent-revoke-grace", "30")]);
    assert!(warnings(&pod).contains("terminationGracePeriodSeconds of 30"));
    pod["spec"]["terminationGracePeriodSeconds"] = 60.into();
    assert_eq!(warnings(&pod), "");
}

#[test]
fn owners_and_groups_that_the_agent_can_set_are_set() {
    let mut pod = pod(&[("agent-inject-user-db", "100"), ("agent-inject-group-db", "2000")]);
    pod["spec"]["securityContext"] = json!({"fsGroup": 2000});
    let template = &planned(&pod).config.templates[0];
    assert_eq!((template.user.as_deref(), template.group.as_deref()), (Some("100"), Some("2000")));
}

#[test]
fn limits_and_requests_that_the_pod_names_move_our_defaults() {
    let resources = |more: &[(&str, &str)]| planned(&pod(more)).container.value()["resources"].clone();
    assert_eq!(resources(&[("agent-limits-cpu", "1m")])["requests"]["cpu"], "1m");
    assert_eq!(resources(&[("agent-requests-mem", "1Gi")])["limits"]["memory"], "1Gi");
    assert_eq!(resources(&[("agent-limits-cpu", "")])["limits"], json!({"memory": "64Mi"}));
}

#[test]
fn a_configuration_that_no_variable_can_hold_is_refused() {
    let template = |length: usize| pod(&[("agent-inject-template-db", &"x".repeat(length))]);
    assert!(refused(&template(100_000)).contains("a variable can hold 131058"));
    assert!(outcome(&template(90_000)).is_ok());
}

#[test]
fn what_would_exhaust_the_webhook_is_refused_at_once() {
    let copy = |from: &str, path: &str| format!(r#"{{"op":"copy","from":"{from}","path":"{path}"}}"#);
    let many: Vec<_> = (0..30).map(|n| copy("/env", &format!("/x{n}"))).collect();
    let deep = format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(40));
    for patch in [format!("[{}]", copy("", "/x")), format!("[{}]", many.join(",")), deep] {
        let refusal = refused(&pod(&[("agent-json-patch", &patch)]));
        assert!(refusal.contains("agent-json-patch"), "{refusal}");
    }
    let mut crowd = pod(&[]);
    for n in 0..2_100 {
        crowd["metadata"]["annotations"][format!("vault.hashicorp.com/agent-inject-secret-{n}")] = json!("secret/a");
    }
    assert!(refused(&crowd).contains("2000"));
    let mut fat = pod(&[]);
    fat["metadata"]["annotations"]["example.com/other"] = json!("x".repeat(300 << 10));
    assert!(refused(&fat).contains("262144 bytes"));
    let mut nested = pod(&[]);
    for n in 1..60 {
        nested["metadata"]["annotations"][format!("vault.hashicorp.com/agent-inject-secret-s{n}")] = json!("secret/a");
        nested["metadata"]["annotations"][format!("vault.hashicorp.com/agent-inject-file-s{n}")] =
            json!("a".to_owned() + &"/a".repeat(n));
    }
    assert!(refused(&nested).ends_with("more"), "a person reads the answer");
}
