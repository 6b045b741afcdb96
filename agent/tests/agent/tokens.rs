//! The agent's token: kept alive, replaced when it ends or is taken away.

use std::fs;

use serde_json::{Value, json};

use crate::{
    bao::Bao,
    double::{Asked, Double, Reaction},
    process::{PATIENCE, Setup, wait},
};

const POLICY: &str = r#"path "secret/*" { capabilities = ["read"] }"#;
const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;

#[track_caller]
fn another_token(setup: &Setup, old: &str) -> String {
    wait("another token", PATIENCE, || setup.read("sink").is_some_and(|new| new != old));
    setup.read("sink").unwrap()
}

#[test]
fn a_revoked_token_is_replaced_as_soon_as_it_is_refused() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let ids = bao.app_role(POLICY, json!({ "token_ttl": "1h" }));
    let setup = Setup::app_role(&bao.address(), &ids).with_sink().template("out", PASSWORD);
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let token = another_token(&setup, "");
    bao.ask("POST", "auth/token/revoke", json!({ "token": token }));
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    assert_ne!(another_token(&setup, &token), token);
    assert!(setup.log().contains("does not know the token any more"), "{}", setup.log());
}

#[test]
fn a_token_at_its_maximum_is_replaced_before_it_ends() {
    for kind in ["service", "batch"] {
        let bao = Bao::start();
        bao.put("app", json!({ "password": "one" }));
        let role = json!({ "token_ttl": "4s", "token_max_ttl": "4s", "token_type": kind });
        let ids = bao.app_role(POLICY, role);
        let setup = Setup::app_role(&bao.address(), &ids).with_sink().template("out", PASSWORD);
        let _agent = setup.start();
        setup.wait_for("out", "one");
        let first = another_token(&setup, "");
        let second = another_token(&setup, &first);
        another_token(&setup, &second);
        bao.put("app", json!({ "password": "two" }));
        setup.wait_for("out", "two");
        assert!(!setup.log().contains("answered 403"), "{kind}: never a dead token: {}", setup.log());
    }
}

#[test]
fn a_token_is_renewed_when_most_of_it_is_over() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let token = bao.token(POLICY, json!({ "ttl": "8s", "renewable": true }));
    let setup = Setup::new(&bao.address(), &token).template("out", PASSWORD);
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let renewed = || {
        let (status, answer) = bao.try_ask("POST", "auth/token/lookup", &json!({ "token": token }));
        assert_eq!(status, 200, "the same token lives");
        answer["data"]["last_renewal_time"].as_u64()
    };
    let mut seen = std::collections::BTreeSet::new();
    wait("it is renewed three times", PATIENCE, || {
        seen.extend(renewed());
        seen.len() >= 3
    });
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
}

#[test]
fn a_wrong_role_is_told_and_repaired_without_a_restart() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let (role, secret) = bao.app_role(POLICY, json!({}));
    let setup = Setup::app_role(&bao.address(), &("no-such-role".to_owned(), secret)).template("out", PASSWORD);
    let mut agent = setup.start();
    setup.wait_for_log("the login is refused: check role, bindings and files");
    assert!(agent.is_alive() && setup.read("out").is_none());
    fs::write(setup.path("role"), role).unwrap();
    setup.wait_for("out", "one");
}

#[test]
fn a_kubernetes_login_reads_the_service_account_token_anew_each_time() {
    let server = Double::start(|asked: &Asked| {
        let answer = |body| Reaction::Answer(200, "", body);
        match asked.path.as_str() {
            "auth/k8s/login" if asked.body.contains("jwt-1") => {
                Reaction::Answer(403, "", json!({ "errors": ["service account name not authorized"] }))
            }
            "auth/k8s/login" => {
                answer(json!({ "auth": { "client_token": "s.k8s", "lease_duration": 3600, "renewable": true } }))
            }
            "secret/data/app" => {
                answer(json!({ "data": { "data": { "password": "one" }, "metadata": { "version": 1 } } }))
            }
            _ => Reaction::Answer(404, "", Value::Null),
        }
    });
    let setup = Setup::new(&server.address(), "unused").template("out", PASSWORD);
    fs::write(setup.path("jwt"), "jwt-1\n").unwrap();
    let config = json!({ "role": "app", "token_path": setup.text("jwt") });
    let method = json!({ "type": "kubernetes", "mount_path": "auth/k8s", "config": config, "min_backoff": "100ms" });
    let setup = setup.configure("auto_auth", json!({ "method": method }));
    let _agent = setup.start();
    setup.wait_for_log("service account name not authorized");
    fs::write(setup.path("jwt"), "jwt-2\n").unwrap();
    setup.wait_for("out", "one");
    let logins = server.asked("PUT", "auth/k8s/login");
    assert_eq!(logins.last().unwrap().body, r#"{"role":"app","jwt":"jwt-2"}"#);
    assert!(server.asked("PUT", "auth/token/renew-self").is_empty(), "a fresh token is not renewed");
    assert!(!setup.log().contains("jwt-"), "no service account token in the log");
}
