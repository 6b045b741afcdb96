//! Pods that are planned.

use super::*;

#[test]
fn a_common_pod_gets_one_gating_agent() {
    let plan = planned(&pod(&[]));
    let container = plan.container.value();
    assert_eq!(container["name"], "vault-agent");
    assert_eq!(container["restartPolicy"], "Always");
    assert_eq!(container["startupProbe"]["exec"]["command"], json!(["/blinkchamber-agent", "ready", "-wait=4s"]));
    assert_eq!(container["command"], json!(["/blinkchamber-agent"]));
    assert_eq!(container["args"], json!(["run"]));
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true,
            "runAsGroup": 1000, "runAsNonRoot": true, "runAsUser": 100, "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    assert_eq!(plan.containers, ["app"]);
    assert_eq!(json!(plan.mounts), json!([{"name": "vault-secrets", "mountPath": "/vault/secrets", "readOnly": true}]));
    assert_eq!(
        json!(plan.volumes),
        json!([
            {"name": "vault-agent-home", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "vault-agent-token", "projected": {"sources": [
                {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 3600}},
            ]}},
            {"name": "vault-secrets", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        ])
    );
    assert_eq!(
        container["volumeMounts"],
        json!([
            {"name": "vault-agent-home", "mountPath": "/home/vault"},
            {"name": "vault-agent-token", "mountPath": "/var/run/secrets/vault.hashicorp.com/serviceaccount", "readOnly": true},
            {"name": "vault-secrets", "mountPath": "/vault/secrets"},
        ])
    );
    assert!(!plan.init_first);
    assert_eq!(plan.share_process_namespace, None);
    assert_eq!(warnings(&pod(&[])), "");
}

#[test]
fn the_configuration_is_one_that_vault_agent_reads_too() {
    let plan = planned(&pod(&[]));
    assert_eq!(
        decoded(&plan),
        json!({
            "auto_auth": {
                "method": {"type": "kubernetes", "mount_path": "auth/kubernetes", "config": {
                    "role": "shop", "token_path": "/var/run/secrets/vault.hashicorp.com/serviceaccount/token",
                }},
                "sink": [{"type": "file", "config": {"path": "/home/vault/.vault-token", "mode": 0o600}}],
            },
            "exit_after_auth": false,
            "pid_file": "/home/vault/.pid",
            "vault": {"address": "https://vault.blinkchamber.svc:8200"},
            "template": [{
                "destination": "/vault/secrets/db",
                "contents": "{{ with secret \"database/creds/shop\" }}{{ range $k, $v := .Data }}{{ $k }}: {{ $v }}\n{{ end }}{{ end }}",
                "left_delimiter": "{{", "right_delimiter": "}}", "perms": "0644",
            }],
            "template_config": {"exit_on_retry_failure": true},
            "blinkchamber": {"generations": ["/vault/secrets"], "home": "/home/vault"},
        })
    );
    assert_eq!(decoded(&plan), serde_json::to_value(&plan.config).expect("JSON"));
}

#[test]
fn files_are_as_tight_as_their_readers_allow() {
    let cases = [
        (json!({}), "0644"),
        (json!({"fsGroup": 2000}), "0440"),
        (json!({"runAsUser": 1001}), "0400"),
        (json!({"runAsUser": 1001, "fsGroup": 2000}), "0400"),
        (json!({"runAsUser": 0}), "0644"),
    ];
    for (context, perms) in cases {
        let mut pod = pod(&[]);
        pod["spec"]["securityContext"] = context.clone();
        assert_eq!(planned(&pod).config.templates[0].perms.as_deref(), Some(perms), "{context}");
    }
    let mut grouped = pod(&[("agent-inject-secret-x", "kv/x"), ("agent-inject-perms-x", "0600")]);
    grouped["spec"]["securityContext"] = json!({"fsGroup": 2000});
    let groups: Vec<Option<String>> = planned(&grouped).config.templates.into_iter().map(|file| file.group).collect();
    assert_eq!(groups, [Some("2000".to_owned()), None]);
    let mut mixed = pod(&[]);
    mixed["spec"]["securityContext"] = json!({"runAsUser": 1001});
    mixed["spec"]["initContainers"] = json!([{"name": "prepare", "securityContext": {"runAsUser": 5}}]);
    assert_eq!(planned(&mixed).config.templates[0].perms.as_deref(), Some("0644"));
    assert_eq!(planned(&pod(&[("agent-inject-perms-db", "0640")])).config.templates[0].perms.as_deref(), Some("0640"));
}

#[test]
fn a_pod_that_was_injected_by_us_is_planned_again_to_the_same_plan() {
    let first = pod(&[("secret-volume-path-db", "/etc/db"), ("agent-inject-token", "true")]);
    let plan = planned(&first);
    let mut second = first.clone();
    for (key, value) in &plan.annotations {
        second["metadata"]["annotations"][key] = value.as_str().into();
    }
    second["spec"]["initContainers"] = json!([plan.container.value()]);
    second["spec"]["volumes"] = json!(plan.volumes);
    second["spec"]["containers"][0]["volumeMounts"] = json!(plan.mounts);
    assert_eq!(planned(&second), plan);
    second["spec"]["containers"].as_array_mut().expect("a list").push(json!({"name": "mesh"}));
    assert_eq!(planned(&second).containers, ["app", "mesh"]);
    second["metadata"]["annotations"].as_object_mut().expect("a map").remove("blinkchamber.io/injected");
    assert!(skipped(&second));
}

#[test]
fn each_mount_path_is_a_volume_numbered_by_path() {
    let plan = planned(&pod(&[
        ("agent-inject-secret-a", "kv/a"),
        ("agent-inject-secret-b", "kv/b"),
        ("agent-inject-secret-c", "kv/c"),
        ("secret-volume-path", "/run/creds/"),
        ("secret-volume-path-a", "/zoo"),
        ("secret-volume-path-b", "/etc//b"),
        ("secret-volume-path-c", "/zoo/"),
        ("volume-size-limit", "1Mi"),
    ]));
    let mounted: Vec<(&str, &str)> = plan.mounts.iter().map(|mount| (&*mount.name, &*mount.mount_path)).collect();
    let wanted =
        [("vault-secrets", "/run/creds"), ("vault-secrets-custom-0", "/etc/b"), ("vault-secrets-custom-1", "/zoo")];
    assert_eq!(mounted, wanted);
    let files: Vec<&str> = plan.config.templates.iter().map(|template| template.destination.as_str()).collect();
    assert_eq!(files, ["/zoo/a", "/etc/b/b", "/zoo/c", "/run/creds/db"]);
    assert_eq!(json!(plan.volumes.last())["emptyDir"]["sizeLimit"], "1Mi");
}

#[test]
fn pre_populate_only_is_a_plain_init_container() {
    let plan = planned(&pod(&[("agent-pre-populate-only", "true"), ("agent-init-first", "true")]));
    assert!(plan.config.exit_after_auth);
    assert!(plan.init_first);
    assert_eq!(plan.container.value().get("restartPolicy"), None);
    assert_eq!(plan.container.value().get("startupProbe"), None);
    let plan = planned(&pod(&[("agent-pre-populate", "false")]));
    assert_eq!(plan.container.value()["restartPolicy"], "Always");
    assert_eq!(plan.container.value().get("startupProbe"), None);
}

#[test]
fn a_signal_makes_the_agent_the_user_of_the_process() {
    let reload = ("agent-reload-db", "signal:HUP:postgres, http:POST:http://127.0.0.1:1/x");
    let mut signalled = pod(&[reload]);
    signalled["spec"]["containers"][0]["securityContext"] = json!({"runAsUser": 70, "runAsGroup": 71});
    let plan = planned(&signalled);
    assert_eq!(plan.share_process_namespace, Some(true));
    assert_eq!(plan.container.value()["securityContext"]["runAsUser"], 70);
    assert_eq!(plan.container.value()["securityContext"]["runAsGroup"], 71);
    let reload = &plan.config.blinkchamber.expect("our extension").reload["/vault/secrets/db"];
    assert_eq!(
        serde_json::to_value(reload).expect("JSON"),
        json!([
            {"signal": {"signal": "SIGHUP", "process": "postgres"}},
            {"http": {"method": "POST", "url": "http://127.0.0.1:1/x"}},
        ])
    );
    signalled["spec"]["shareProcessNamespace"] = true.into();
    assert_eq!(planned(&signalled).share_process_namespace, None);
}

#[test]
fn everything_about_the_server_reaches_the_configuration() {
    let plan = planned(&pod(&[
        ("service", "https://other:8200"),
        ("namespace", "team"),
        ("ca-cert", "/a"),
        ("ca-key", "/b"),
        ("client-cert", "/c"),
        ("client-key", "/d"),
        ("tls-server-name", "bao"),
        ("tls-skip-verify", "true"),
        ("auth-path", "auth/eu"),
        ("auth-min-backoff", "2s"),
        ("auth-max-backoff", "1m"),
        ("agent-auto-auth-exit-on-err", "true"),
        ("template-static-secret-render-interval", "10s"),
        ("template-max-connections-per-host", "7"),
        ("template-lease-renewal-threshold", ".5"),
        ("template-config-exit-on-retry-failure", "false"),
        ("agent-disable-keep-alives", "auto-auth, templating"),
        ("agent-revoke-on-shutdown", "true"),
        ("agent-revoke-grace", "9"),
        ("agent-metrics-address", "0.0.0.0:9102"),
    ]));
    let config = decoded(&plan);
    assert_eq!(
        config["vault"],
        json!({"address": "https://other:8200", "ca_cert": "/a", "ca_path": "/b", "client_cert": "/c",
               "client_key": "/d", "tls_server_name": "bao", "tls_skip_verify": true})
    );
    let method = &config["auto_auth"]["method"];
    assert_eq!(
        (&method["namespace"], &method["mount_path"], &method["exit_on_err"]),
        (&json!("team"), &json!("auth/eu"), &json!(true))
    );
    assert_eq!((&method["min_backoff"], &method["max_backoff"]), (&json!("2s"), &json!("1m")));
    assert_eq!(
        config["template_config"],
        json!({"exit_on_retry_failure": false, "static_secret_render_interval": "10s", "max_connections_per_host": 7,
               "lease_renewal_threshold": 0.5})
    );
    assert_eq!(config["disable_keep_alives"], json!(["auto-auth", "templating"]));
    let ours = &config["blinkchamber"];
    assert_eq!(
        (&ours["revoke_on_exit"], &ours["revoke_grace"], &ours["metrics_address"]),
        (&json!(true), &json!("9s"), &json!("0.0.0.0:9102"))
    );
    assert_eq!(plan.container.value()["ports"], json!([{"name": "agent-metrics", "containerPort": 9102}]));
    let container = plan.container.value();
    let env = container["env"].as_array().expect("a list");
    assert!(env.contains(&json!({"name": "VAULT_CACERT_BYTES", "value": "PEM"})));
}

#[test]
fn a_proxy_is_given_to_the_agent() {
    let proxy = ("proxy-address", "http://proxy.example:3128");
    let variable = json!({"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"});
    let over_tls = pod(&[proxy, ("service", "https://other:8200")]);
    let container = planned(&over_tls).container.value();
    assert!(container["env"].as_array().expect("a list").contains(&variable));
    assert_eq!(warnings(&over_tls), "");
    let plain = pod(&[proxy, ("service", "http://other:8200")]);
    assert!(warnings(&plain).contains("proxy-address has no effect"), "{}", warnings(&plain));
    let none = planned(&pod(&[("proxy-address", "")])).container.value();
    assert!(!none["env"].to_string().contains("HTTPS_PROXY"));
    let told = refused(&pod(&[("proxy-address", "http://me:secret@proxy.example:3128")]));
    assert!(told.contains("keeps no secret"), "{told}");
}

#[test]
fn the_pods_own_token_volume_is_used_when_named() {
    let mut pod = pod(&[("agent-service-account-token-volume-name", "bao")]);
    pod["spec"]["volumes"] = json!([{"name": "bao", "projected": {"sources": [
        {"configMap": {"name": "x"}}, {"serviceAccountToken": {"path": "bao-token", "audience": "bao"}},
    ]}}]);
    let plan = planned(&pod);
    assert!(!plan.volumes.iter().any(|volume| volume.name == "vault-agent-token"));
    assert_eq!(
        decoded(&plan)["auto_auth"]["method"]["config"]["token_path"],
        "/var/run/secrets/vault.hashicorp.com/serviceaccount/bao-token"
    );
}

#[test]
fn mounts_are_copied_but_neither_tokens_nor_our_own() {
    let mut pod = pod(&[("agent-copy-volume-mounts", "app")]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([
        {"name": "templates", "mountPath": "/etc/templates", "readOnly": true},
        {"name": "kube-api-access-1", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
    ]);
    let plan = planned(&pod);
    let container = plan.container.value();
    let mounts = container["volumeMounts"].as_array().expect("a list");
    assert_eq!(mounts.len(), 4);
    assert!(mounts.contains(&json!({"name": "templates", "mountPath": "/etc/templates", "readOnly": true})));
}

#[test]
fn a_patch_changes_the_agents_container() {
    let patch = r#"[{"op": "add", "path": "/env/-", "value": {"name": "X", "value": "1"}}]"#;
    let plan = planned(&pod(&[("agent-json-patch", patch), ("agent-init-json-patch", patch)]));
    let container = plan.container.value();
    let env = container["env"].as_array().expect("a list");
    assert_eq!(env.last(), Some(&json!({"name": "X", "value": "1"})));
    let plan = planned(&pod(&[("agent-pre-populate-only", "true"), ("agent-init-json-patch", patch)]));
    assert_eq!(
        plan.container.value()["env"].as_array().expect("a list").last(),
        Some(&json!({"name": "X", "value": "1"}))
    );
}

#[test]
fn kubernetes_secrets_are_honoured_with_a_warning() {
    let pod = pod(&[("tls-secret", "certs"), ("agent-extra-secret", "approle")]);
    let volumes: Vec<Value> = planned(&pod).volumes.iter().map(|volume| json!(volume)).collect();
    assert!(volumes.contains(&json!({"name": "vault-tls-secrets", "secret": {"secretName": "certs"}})));
    assert!(volumes.contains(&json!({"name": "extra-secrets", "secret": {"secretName": "approle"}})));
    assert!(warnings(&pod).contains("blinkchamber.io/tls-secret mounts the Kubernetes Secret certs"));
}

#[test]
fn the_injectors_defaults_yield_to_the_pod() {
    let mut defaults = defaults();
    defaults.annotations.insert("log-level".to_owned(), "debug".to_owned());
    defaults.annotations.insert("agent-set-security-context".to_owned(), "false".to_owned());
    let env = |pod: &Value| match plan(Request { namespace: "shop", pod }, &defaults).expect("accepted").decision {
        Decision::Inject(plan) => {
            (plan.container.value()["env"][3]["value"].clone(), plan.container.value()["securityContext"].clone())
        }
        Decision::Skip => panic!("left alone"),
    };
    assert_eq!(env(&pod(&[])), (json!("debug"), Value::Null));
    let (level, context) = env(&pod(&[("log-level", "warn"), ("agent-run-as-user", "7")]));
    assert_eq!((level, &context["runAsUser"]), (json!("warn"), &json!(7)));
}

#[test]
fn the_first_prefix_wins() {
    let mut pod = pod(&[]);
    pod["metadata"]["annotations"]["vault.hashicorp.com/role"] = "other".into();
    pod["metadata"]["annotations"]["openbao.org/role"] = "third".into();
    pod["metadata"]["annotations"]["openbao.org/agent-inject-secret-x"] = "kv/x".into();
    let plan = planned(&pod);
    assert_eq!(plan.config.auto_auth.expect("a login").method.config["role"], "shop");
    assert_eq!(plan.config.templates.len(), 2);
    assert!(warnings(&pod).contains("annotation vault.hashicorp.com/role is not used: blinkchamber.io/role says"));
}

#[test]
fn a_lease_for_reloads_brings_the_way_to_the_api_server_and_nothing_else_does() {
    let annotations = [
        ("agent-reload-db", "http:POST:http://127.0.0.1:8080/reload"),
        ("agent-reload-lease", "shop-reload"),
        ("agent-reload-ready-url", "http://127.0.0.1:8080/ready"),
        ("agent-reload-ready-timeout", "90"),
    ];
    let plan = planned(&pod(&annotations));
    let volume = plan.volumes.iter().find(|volume| volume.name == "vault-agent-api").expect("the volume");
    assert_eq!(
        json!(volume)["projected"]["sources"],
        json!([
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [
                {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}},
                {"path": "pod", "fieldRef": {"fieldPath": "metadata.name"}},
            ]}},
        ])
    );
    let container = plan.container.value();
    let mounts = container["volumeMounts"].as_array().expect("mounts");
    let mount = json!({
        "name": "vault-agent-api", "mountPath": "/var/run/secrets/blinkchamber.io/api", "readOnly": true,
    });
    assert!(mounts.contains(&mount) && !plan.mounts.iter().any(|mount| mount.name == "vault-agent-api"));
    assert_eq!(
        decoded(&plan)["blinkchamber"]["reload_lease"],
        json!({
            "name": "shop-reload", "credentials": "/var/run/secrets/blinkchamber.io/api",
            "ready_url": "http://127.0.0.1:8080/ready", "ready_timeout": "90",
        })
    );
    let without = planned(&pod(&annotations[..1]));
    assert!(!without.volumes.iter().any(|volume| volume.name == "vault-agent-api"));
    assert!(decoded(&without)["blinkchamber"].get("reload_lease").is_none());
    assert!(warnings(&pod(&annotations[2..3])).contains("agent-reload-ready-url has no effect without"));
    assert!(warnings(&pod(&annotations[1..2])).contains("no agent-reload-<name> asks for an action"));
    for (name, value) in [("agent-reload-lease", "Shop/x"), ("agent-reload-ready-url", "http://elsewhere:80/")] {
        assert!(refused(&pod(&[("agent-reload-lease", "shop"), (name, value)])).contains(name), "{name}");
    }
}
