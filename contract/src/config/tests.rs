//! Reading configurations, and reading back what was written.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(config: &Value) -> Parsed {
    AgentConfig::parse("agent.json", &config.to_string()).expect("a configuration")
}

fn error(config: &Value) -> String {
    AgentConfig::parse("agent.json", &config.to_string()).expect_err("an error").to_string()
}

fn with_template(template: Value) -> Value {
    json!({"template": template})
}

#[test]
fn a_configuration_of_vault_agent_is_read() {
    let Parsed { config, warnings } = read(&json!({
        "auto_auth": {
            "method": [{"kubernetes": {"mount_path": "auth/k8s", "config": {"role": "shop"}, "max_backoff": "1m"}}],
            "sink": [
                {"file": {"config": {"path": "/home/vault/.vault-token", "mode": 416}}},
                {"type": "file", "config": {"path": "/x"}},
            ],
        },
        "exit_after_auth": "true",
        "pid_file": "/home/vault/.pid",
        "vault": [{"address": "https://vault:8200", "tls_skip_verify": 1}],
        "template": [
            {"destination": "/vault/secrets/a", "contents": "x", "perms": "0400", "command": "kill -HUP 1"},
            {"destination": "/vault/secrets/b", "source": "/b.ctmpl", "exec": {"command": ["/bin/x", "y"]}, "uid": 5},
        ],
        "template_config": {"static_secret_render_interval": 30, "lease_renewal_threshold": "0.5"},
        "disable_keep_alives": ["auto-auth"],
        "log_level": "debug",
    }));
    assert_eq!(warnings, Vec::<String>::new());
    let auth = config.auto_auth.expect("auto_auth");
    assert_eq!((auth.method.kind.as_str(), auth.method.mount_path.as_deref()), ("kubernetes", Some("auth/k8s")));
    assert_eq!(auth.method.config["role"], "shop");
    assert_eq!(auth.method.max_backoff.as_deref(), Some("1m"));
    assert_eq!((auth.sinks.len(), &auth.sinks[0].config["mode"]), (2, &json!(416)));
    assert!(config.exit_after_auth);
    assert!(config.vault.expect("vault").tls_skip_verify);
    assert_eq!(config.templates[0].command.as_deref(), Some("kill -HUP 1"));
    assert_eq!((config.templates[1].command.as_deref(), config.templates[1].user.as_deref()), (None, Some("5")));
    let argv = vec!["/bin/x".to_owned(), "y".to_owned()];
    assert_eq!(
        config.blinkchamber.expect("our extension").reload["/vault/secrets/b"],
        [ReloadAction::Command { argv }],
        "a list needs no shell"
    );
    let settings = config.template_config.expect("template_config");
    assert_eq!(settings.static_secret_render_interval.as_deref(), Some("30s"));
    assert_eq!(settings.lease_renewal_threshold, Some(0.5));
    assert_eq!(config.disable_keep_alives, ["auto-auth"]);
}

#[test]
fn text_is_read_as_json_is() {
    let text = r#"
        auto_auth {
          method "kubernetes" {
            mount_path = "auth/k8s"
            config = { role = "shop" }
          }
          sink "file" { config = { path = "/t" mode = 0640 } }
        }
        vault { address = "https://vault:8200" }
        template {
          destination = "/a"
          contents    = <<EOT
{{ with secret "kv/a" }}${x}{{ end }}
EOT
          perms       = 0400
        }
        template { destination = "/b" source = "/b.ctmpl" }
        blinkchamber {
          generations = ["/vault/secrets"]
          reload { "/a" = [{ signal = { signal = "SIGHUP" process = "x" } }] }
        }
    "#;
    let config = AgentConfig::parse("agent.hcl", text).expect("a configuration").config;
    let auth = config.auto_auth.expect("auto_auth");
    assert_eq!((auth.method.kind.as_str(), &auth.method.config["role"]), ("kubernetes", &json!("shop")));
    assert_eq!(auth.sinks[0].config["mode"], 0o640, "a leading zero is octal");
    assert_eq!(config.templates[0].contents.as_deref(), Some("{{ with secret \"kv/a\" }}${x}{{ end }}\n"));
    assert_eq!(config.templates[0].perms.as_deref(), Some("0400"));
    assert_eq!(config.templates[1].source.as_deref(), Some("/b.ctmpl"));
    let reload = &config.blinkchamber.expect("our extension").reload["/a"];
    assert_eq!(*reload, [ReloadAction::Signal { signal: "SIGHUP".to_owned(), process: "x".to_owned() }]);
}

#[test]
fn errors_say_line_and_column() {
    let cases = [
        ("pid_file = [\n", "agent.hcl:2:"),
        ("# one\n  pid_file = []", "agent.hcl:2:14: pid_file: a list where a text is expected"),
        ("template {\n  destination = \"/x\"\n  perm = 1\n}", "agent.hcl:3:3: template.perm: is unknown"),
        ("vault {\n  tls_skip_verify = \"maybe\"\n}", "agent.hcl:2:21: vault.tls_skip_verify"),
        ("listener \"tcp\" {}", "agent.hcl:1:1: listener: a local API listener"),
    ];
    for (text, start) in cases {
        let message = AgentConfig::parse("agent.hcl", text).expect_err("an error").to_string();
        assert!(message.starts_with(start), "{text:?}: {message}");
    }
}

#[test]
fn errors_name_file_and_key_and_what_is_accepted() {
    let file = |more: (&str, Value)| {
        let mut template = json!({"destination": "/x", "contents": "y"});
        template[more.0] = more.1;
        with_template(template)
    };
    let cases = [
        (json!({"listener": []}), "listener: a local API listener is not supported yet"),
        (json!({"env_template": {"A": {}}}), "env_template: secrets in the environment are not supported yet"),
        (json!({"exec": {}}), "exec: running the application"),
        (json!({"exit_after_auth": "maybe"}), "exit_after_auth: a text where true or false is expected"),
        (json!({"pid_file": []}), "pid_file: a list where a text is expected"),
        (json!({"vault": "x"}), "vault: a text where a block is expected"),
        (json!({"vault": [{}, {}]}), "vault: stands more than once"),
        (json!({"auto_auth": {}}), "auto_auth.method: 0 methods: expected exactly one"),
        (json!({"auto_auth": {"method": {}}}), "auto_auth.method.type: is missing"),
        (json!({"auto_auth": {"method": {"type": "jwt", "wrap_ttl": "5m"}}}), "wrap_ttl: encrypted and wrapped"),
        (
            json!({"auto_auth": {"method": {"type": "jwt", "min_backoff": "soon"}}}),
            "auto_auth.method.min_backoff: a text where a duration",
        ),
        (
            json!({"auto_auth": {"method": {"type": "jwt", "config": {"role": []}}}}),
            "auto_auth.method.config.role: a list where",
        ),
        (
            json!({"auto_auth": {"method": {"type": "jwt"}, "sink": {"type": "tcp"}}}),
            "auto_auth.sink.type: \"tcp\" is not a kind of sink",
        ),
        (json!({"auto_auth": {"method": {"type": "jwt"}, "sink": {"type": "file"}}}), "auto_auth.sink.config.path"),
        (with_template(json!({"contents": "x"})), "template.destination: is missing"),
        (with_template(json!({"destination": "/x"})), "exactly one of contents and source"),
        (file(("source", json!("/s"))), "exactly one of contents and source"),
        (file(("perm", json!("0400"))), "template.perm: is unknown: expected one of backup, command"),
        (file(("perms", json!("rw"))), "template.perms: \"rw\" is not a file mode"),
        (file(("sandbox_path", json!("/x"))), "restricting templates is not supported yet"),
        (json!({"template_config": {"interval": 5}}), "template_config.interval: is unknown"),
        (json!({"template_config": {"max_connections_per_host": "x"}}), "a text where a whole number"),
        (json!({"blinkchamber": {"genrations": []}}), "blinkchamber.genrations: is unknown"),
        (json!({"blinkchamber": {"reload": {"/x": [{}]}}}), "an action is expected: signal, command or http"),
        (json!({"blinkchamber": {"reload": {"/x": [{"signal": {"signal": "HUP"}}]}}}), "signal.process: is missing"),
    ];
    for (config, part) in cases {
        let message = error(&config);
        assert!(message.starts_with("agent.json:") && message.contains(part), "{config}: {message}");
    }
}

#[test]
fn what_has_no_effect_gives_a_warning() {
    let cases = [
        (json!({"cache": {}}), "cache: has no effect"),
        (json!({"telemetry": {"x": 1}}), "telemetry: has no effect"),
        (json!({"something": 1}), "something: is unknown and ignored"),
        (json!({"vault": {"address": "x", "retry": {"num_retries": 5}}}), "vault.retry: has no effect"),
        (with_template(json!({"destination": "/x", "contents": "", "backup": true})), "template.backup: has no effect"),
        (with_template(json!({"destination": "/x", "contents": "", "wait": {"min": "1s"}})), "template.wait"),
    ];
    for (config, part) in cases {
        let warnings = read(&config).warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(part), "{config}: {warnings:?}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(config in config()) {
        let text = serde_json::to_string(&config).expect("JSON");
        let parsed = AgentConfig::parse("x", &text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert_eq!(parsed.config, config);
        prop_assert_eq!(parsed.warnings, Vec::<String>::new());
    }

    #[test]
    fn no_text_is_a_panic(text in any::<String>()) {
        let _ = AgentConfig::parse("x", &text);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/.{}\"\\\\\n é$]{1,12}", any::<String>()].prop_filter("empty means unset", |text| !text.is_empty())
}

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn maybe_duration() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["1s", "5m", "1h30m"]).prop_map(str::to_owned))
}

fn settings() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let value = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ];
    prop::collection::btree_map("[a-z_]{1,8}", value, 1..3)
}

fn action() -> impl Strategy<Value = ReloadAction> {
    prop_oneof![
        (text(), text()).prop_map(|(signal, process)| ReloadAction::Signal { signal, process }),
        prop::collection::vec(text(), 1..4).prop_map(|argv| ReloadAction::Command { argv }),
        (text(), text()).prop_map(|(method, url)| ReloadAction::Http { method, url }),
    ]
}

fn template() -> impl Strategy<Value = Template> {
    let owners = (maybe_text(), maybe_text(), prop::option::of(any::<bool>()), any::<bool>());
    let mode = prop::option::of((0u32..0o1000).prop_map(|mode| format!("{mode:04o}")));
    (text(), text(), maybe_text(), maybe_text(), maybe_text(), mode, owners, any::<bool>()).prop_map(
        |(destination, body, left, right, command, perms, (user, group, create, strict), inline)| Template {
            destination,
            contents: inline.then(|| body.clone()),
            source: (!inline).then_some(body),
            left_delimiter: left,
            right_delimiter: right,
            command,
            perms,
            error_on_missing_key: strict,
            create_dest_dirs: create,
            user,
            group,
        },
    )
}

fn extension() -> impl Strategy<Value = Extension> {
    let reload = prop::collection::btree_map(text(), prop::collection::vec(action(), 1..3), 0..3);
    let lease = ("[a-z]{1,9}", "/[a-z]{1,9}", maybe_text(), maybe_duration()).prop_map(
        |(name, credentials, ready_url, ready_timeout)| ReloadLease { name, credentials, ready_url, ready_timeout },
    );
    let reloads = (reload, prop::option::of(lease));
    let waits = (maybe_duration(), maybe_duration());
    (prop::collection::vec(text(), 0..3), maybe_text(), reloads, any::<bool>(), waits, maybe_text()).prop_map(
        |(generations, home, (reload, reload_lease), revoke_on_exit, (revoke_grace, drain), metrics_address)| {
            Extension { generations, home, reload, reload_lease, revoke_on_exit, revoke_grace, drain, metrics_address }
        },
    )
}

fn login() -> impl Strategy<Value = AutoAuth> {
    let method = (text(), maybe_text(), maybe_duration(), maybe_duration(), maybe_text(), settings(), any::<bool>());
    (method, prop::collection::vec(settings(), 0..2)).prop_map(|(method, sinks)| {
        let (kind, mount_path, min_backoff, max_backoff, namespace, config, exit_on_err) = method;
        let sinks = sinks.into_iter().map(|mut config| {
            config.insert("path".to_owned(), "/x".into());
            Sink { kind: "file".to_owned(), config }
        });
        AutoAuth {
            method: Method { kind, mount_path, min_backoff, max_backoff, namespace, config, exit_on_err },
            sinks: sinks.collect(),
        }
    })
}

fn config() -> impl Strategy<Value = AgentConfig> {
    let server = (text(), maybe_text(), maybe_text(), any::<bool>(), maybe_text(), maybe_text()).prop_map(
        |(address, ca_cert, client_key, tls_skip_verify, tls_server_name, namespace)| Server {
            address,
            ca_cert,
            client_key,
            tls_skip_verify,
            tls_server_name,
            namespace,
            ..Server::default()
        },
    );
    let settings = (
        any::<bool>(),
        maybe_duration(),
        prop::option::of(any::<i64>()),
        prop::option::of((1u16..1000).prop_map(|n| f64::from(n) / 1000.0)),
    )
        .prop_map(
            |(
                exit_on_retry_failure,
                static_secret_render_interval,
                max_connections_per_host,
                lease_renewal_threshold,
            )| {
                TemplateConfig {
                    exit_on_retry_failure,
                    static_secret_render_interval,
                    max_connections_per_host,
                    lease_renewal_threshold,
                }
            },
        );
    let blocks = (
        prop::option::of(login()),
        prop::option::of(server),
        prop::option::of(settings),
        prop::option::of(extension()),
    );
    let lists = (prop::collection::vec(template(), 0..3), prop::collection::vec(text(), 0..3));
    (blocks, lists, any::<bool>(), maybe_text(), maybe_text()).prop_map(
        |(
            (auto_auth, vault, template_config, blinkchamber),
            (templates, parts),
            exit_after_auth,
            pid_file,
            log_level,
        )| {
            AgentConfig {
                auto_auth,
                exit_after_auth,
                pid_file,
                vault,
                templates,
                template_config,
                disable_keep_alives: parts,
                log_level,
                blinkchamber,
                ..AgentConfig::default()
            }
        },
    )
}
