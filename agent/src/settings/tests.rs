use std::{fs, time::Duration};

use blinkchamber_contract::config::ReloadAction;

use super::{Settings, SettingsError, Source};
use crate::env::Environment;

const MINIMAL: &str = r#""auto_auth":{"method":{"type":"kubernetes","config":{"role":"app"}}}"#;

fn load_with(text: &str, environment: &Environment) -> Result<Settings, SettingsError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    fs::write(&path, text).unwrap();
    Settings::load(&Source::File(path), environment).map(|(settings, _)| settings)
}

fn load(rest: &str) -> Result<Settings, SettingsError> {
    load_with(&format!("{{{MINIMAL}{rest}}}"), &Environment::default())
}

#[track_caller]
fn refused(rest: &str) -> String {
    load(rest).unwrap_err().to_string()
}

#[test]
fn defaults_are_vault_agents_but_for_the_interval() {
    let settings = load("").unwrap();
    assert_eq!(settings.server.address, "https://127.0.0.1:8200");
    assert_eq!(settings.static_interval, Duration::from_secs(30));
    assert_eq!(settings.login_pace.min, Duration::from_secs(1));
    assert_eq!(settings.login_pace.max, Duration::from_secs(300));
    assert!(settings.templates.is_empty() && settings.home.is_none() && !settings.exit_after_auth);
}

#[test]
fn hcl_is_read_as_well() {
    let text = r#"
        vault { address = "http://10.0.0.1:8200" }
        auto_auth { method "token_file" { config = { token_file_path = "/t" } } }
        template { contents = "x" destination = "/out" perms = "0640" }
    "#;
    let settings = load_with(text, &Environment::default()).unwrap();
    assert_eq!(settings.server.address, "http://10.0.0.1:8200");
    assert_eq!(settings.templates.first().unwrap().file.mode, 0o640);
}

#[test]
fn the_environment_wins_over_the_file() {
    let environment: Environment = [
        ("VAULT_ADDR", "http://from-env:8200"),
        ("VAULT_NAMESPACE", "team"),
        ("VAULT_SKIP_VERIFY", "true"),
        ("VAULT_CACERT_BYTES", "LS0tLS1CRUdJTg=="),
    ]
    .into_iter()
    .collect();
    let text = format!(r#"{{{MINIMAL},"vault":{{"address":"http://from-file:8200","namespace":"other"}}}}"#);
    let server = load_with(&text, &environment).unwrap().server;
    assert_eq!(server.address, "http://from-env:8200");
    assert_eq!(server.namespace.as_deref(), Some("team"));
    assert_eq!(server.trust.ca_pem.as_deref(), Some("-----BEGIN"));
    assert!(server.trust.skip_verify);
}

#[test]
fn a_boolean_in_the_environment_is_never_guessed() {
    let environment: Environment = [("VAULT_SKIP_VERIFY", "maybe")].into_iter().collect();
    let error = load_with(&format!("{{{MINIMAL}}}"), &environment).unwrap_err().to_string();
    assert_eq!(error, "environment variable VAULT_SKIP_VERIFY: must be true or false");
    let empty: Environment = [("VAULT_SKIP_VERIFY", "")].into_iter().collect();
    assert!(!load_with(&format!("{{{MINIMAL}}}"), &empty).unwrap().server.trust.skip_verify);
}

#[test]
fn a_template_command_becomes_a_reload_action() {
    let settings = load(
        r#","template":[{"contents":"x","destination":"/a","command":"kill -HUP 1"},
            {"contents":"x","destination":"/b","command":"/reload"}]"#,
    )
    .unwrap();
    let argv = |path: &str| match settings.reload.get(std::path::Path::new(path)).unwrap().as_slice() {
        [ReloadAction::Command { argv }] => argv.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(argv("/a"), ["/bin/sh", "-c", "kill -HUP 1"]);
    assert_eq!(argv("/b"), ["/reload"]);
}

#[test]
fn sinks_have_mode_and_owner() {
    let text = r#"{"auto_auth":{"method":{"type":"token_file","config":{"token_file_path":"/t"}},
        "sink":[{"type":"file","config":{"path":"/home/vault/.vault-token"}},
                {"type":"file","config":{"path":"/b","mode":384,"uid":100,"gid":-1}}]}}"#;
    let sinks = load_with(text, &Environment::default()).unwrap().sinks;
    assert_eq!(sinks[0].mode, 0o640);
    assert_eq!((sinks[1].mode, sinks[1].user.as_deref(), sinks[1].group.as_deref()), (0o600, Some("100"), None));
}

#[test]
fn refusals_name_the_key() {
    assert!(
        refused(r#","template":[{"contents":"x","destination":"/a"},{"contents":"y","destination":"/a"}]"#)
            .contains("template[1].destination")
    );
    assert!(refused(r#","template":[{"contents":"x","destination":"/a","perms":"rw"}]"#).contains("perms"));
    assert!(refused(r#","template":[{"source":"/no/such/file","destination":"/a"}]"#).contains("/no/such/file"));
    let error = load_with(r#"{"auto_auth":{"method":{"type":"kubernetes","config":{}}}}"#, &Environment::default());
    assert!(error.unwrap_err().to_string().contains("role"));
    let error = load_with("{}", &Environment::default()).unwrap_err().to_string();
    assert!(error.starts_with("auto_auth: must be given"), "{error}");
}

#[test]
fn the_environment_variable_is_base64() {
    let load = |value: &str| {
        let environment: Environment = [("VAULT_CONFIG", value)].into_iter().collect();
        Settings::load(&Source::Environment, &environment).map(|(settings, _)| settings.server.address)
    };
    assert!(load("").unwrap_err().to_string().contains("not set"));
    assert!(load("{}").unwrap_err().to_string().contains("not base64"));
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{{{MINIMAL}}}"));
    assert_eq!(load(&text).unwrap(), "https://127.0.0.1:8200");
}

#[test]
fn a_reload_action_that_can_never_work_is_refused() {
    for (action, expected) in [
        (r#"{"signal":{"signal":"NOPE","process":"app"}}"#, "signal \"NOPE\" is not known"),
        (r#"{"http":{"method":"GET","url":"https://localhost/"}}"#, "only http://"),
    ] {
        let error = refused(&format!(r#","blinkchamber":{{"reload":{{"/v/a":[{action}]}}}}"#));
        assert!(error.starts_with("blinkchamber.reload[\"/v/a\"]: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn the_time_limit_of_a_request_comes_from_the_environment() {
    let with =
        |limit: &str| load_with(&format!("{{{MINIMAL}}}"), &[("VAULT_CLIENT_TIMEOUT", limit)].into_iter().collect());
    assert_eq!(load("").unwrap().server.request_timeout, Duration::from_secs(60));
    assert_eq!(with("90").unwrap().server.request_timeout, Duration::from_secs(90));
    assert_eq!(with("1m30s").unwrap().server.request_timeout, Duration::from_secs(90));
    for limit in ["soon", "0", "-1s"] {
        assert!(with(limit).unwrap_err().to_string().contains("VAULT_CLIENT_TIMEOUT"), "{limit}");
    }
}

#[test]
fn a_lease_for_reloads_needs_a_pod_and_an_agent_that_stays() {
    let with = |lease: &str, host: &str, rest: &str| {
        let text = format!(r#"{{{MINIMAL},"blinkchamber":{{"reload_lease":{{{lease}}}}}{rest}}}"#);
        let environment = [("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", "443")];
        load_with(&text, &environment.into_iter().collect())
    };
    let lease = r#""name":"shop","credentials":"/api""#;
    let settings = with(lease, "10.96.0.1", "").unwrap().reload_lease.unwrap();
    assert_eq!((settings.server.as_str(), settings.ready_timeout), ("https://10.96.0.1:443", Duration::from_secs(300)));
    assert_eq!(with(lease, "fd00::1", "").unwrap().reload_lease.unwrap().server, "https://[fd00::1]:443");
    let ready = format!(r#"{lease},"ready_url":"http://localhost:8080/","ready_timeout":"90""#);
    let settings = with(&ready, "10.96.0.1", "").unwrap().reload_lease.unwrap();
    assert_eq!(settings.ready_timeout, Duration::from_secs(90));
    for (lease, host, rest, expected) in [
        (lease, "", "", "KUBERNETES_SERVICE_HOST"),
        (lease, "h", r#","exit_after_auth":true"#, "take out exit_after_auth"),
        (r#""name":"a/b","credentials":"/api""#, "h", "", "reload_lease.name"),
        (r#""name":"a""#, "h", "", "credentials"),
        (r#""name":"a","credentials":"/api","ready_url":"http://x/""#, "h", "", "reload_lease.ready_url"),
        (r#""name":"a","credentials":"/api","ready_timeout":"soon""#, "h", "", "ready_timeout"),
    ] {
        let error = with(lease, host, rest).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
