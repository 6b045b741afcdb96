//! Credentials of the real server: renewed, replaced, given back, and taken away by somebody else.

use serde_json::json;

use crate::{
    bao::Bao,
    broker::{Broker, only_lease},
    process::{PATIENCE, Setup, wait},
};

const USER: &str = r#"{{ with secret "rabbitmq/creds/app" }}{{ .Data.username }}{{ end }}"#;
const POLICY: &str = r#"path "rabbitmq/creds/app" { capabilities = ["read"] }
    path "secret/*" { capabilities = ["read"] }"#;

/// Waits for a user other than `old` in the file.
#[track_caller]
fn another_user(setup: &Setup, old: &str) -> String {
    let mut user = String::new();
    wait("another user", PATIENCE, || {
        user = setup.read("out").unwrap_or_default();
        !user.is_empty() && user != old
    });
    user
}

fn with_drain(setup: Setup, drain: &str) -> Setup {
    setup.configure("blinkchamber", json!({ "drain": drain }))
}

#[test]
fn a_credential_at_its_maximum_is_replaced_before_it_dies_and_then_given_back() {
    let bao = Bao::start();
    let broker = Broker::mount(&bao, 30, 30);
    let setup = with_drain(Setup::new(&bao.address(), "root").template("out", USER), "1s");
    let _agent = setup.start();
    let first = another_user(&setup, "");
    let second = another_user(&setup, &first);
    assert_eq!(broker.removed(), Vec::<String>::new(), "the first one lives when the second one is in place");
    wait("the first one is given back", PATIENCE, || broker.removed() == [first.clone()]);
    setup.wait_for_log("given back what was superseded");
    assert_eq!(bao.leases("rabbitmq/creds/app"), 1);
    assert_eq!(broker.made(), [first, second], "one for each life");
}

#[test]
fn a_lease_is_given_back_after_the_drain_and_not_left_to_its_end() {
    let bao = Bao::start();
    bao.ask("POST", "sys/mounts/pki", json!({ "type": "pki" }));
    bao.ask("POST", "pki/root/generate/internal", json!({ "common_name": "ca", "ttl": "10h" }));
    let role = json!({ "allow_any_name": true, "generate_lease": true, "ttl": "100s", "max_ttl": "1h" });
    bao.ask("POST", "pki/roles/app", role);
    let early = json!({ "lease_renewal_threshold": 0.1 });
    let setup = Setup::new(&bao.address(), "root")
        .template("out", r#"{{ with secret "pki/issue/app" "common_name=a.test" }}{{ .Data.serial_number }}{{ end }}"#)
        .configure("template_config", early.clone());
    let mut seen = Vec::new();
    let agent = with_drain(setup, "2h");
    {
        // Replaced long before their end: all of them are there as long as the drain lasts.
        let _agent = agent.start();
        while seen.len() < 3 {
            let last = seen.last().cloned().unwrap_or_default();
            wait("another certificate, never an empty or missing file", PATIENCE, || match agent.read("out") {
                Some(serial) => {
                    assert!(!serial.is_empty());
                    serial != last
                }
                None => {
                    assert!(seen.is_empty());
                    false
                }
            });
            seen.push(agent.read("out").unwrap());
        }
        assert!(bao.leases("pki/issue/app") >= 3, "the old ones live while the application changes over");
    }
    let before = bao.leases("pki/issue/app");
    let setup = with_drain(agent, "100ms");
    let _agent = setup.start();
    for _ in 0..3 {
        let last = setup.read("out");
        wait("another certificate", PATIENCE, || setup.read("out") != last);
    }
    wait("those of this agent are given back but for the last", PATIENCE, || bao.leases("pki/issue/app") <= before + 1);
    setup.wait_for_log("given back what was superseded");
}

#[test]
fn a_lease_that_the_server_revoked_is_replaced_at_the_next_renewal() {
    let bao = Bao::start();
    let broker = Broker::mount(&bao, 6, 3600);
    let setup = Setup::new(&bao.address(), "root").template("out", USER);
    let _agent = setup.start();
    let first = another_user(&setup, "");
    bao.ask("PUT", "sys/leases/revoke", json!({ "lease_id": only_lease(&bao) }));
    assert_eq!(broker.removed(), std::slice::from_ref(&first));
    let second = another_user(&setup, &first);
    setup.wait_for_log("lease not found");
    assert_eq!(broker.made(), [first, second], "one new one, not many");
    assert_eq!(bao.leases("rabbitmq/creds/app"), 1);
}

#[test]
fn a_policy_without_renewal_costs_no_login_and_a_credential_for_each_life_only() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let broker = Broker::mount(&bao, 8, 3600);
    // Without the default policy neither `sys/leases/renew` nor `auth/token/lookup-self` is allowed.
    let role = json!({ "token_ttl": "1h", "token_no_default_policy": true });
    let ids = bao.app_role(POLICY, role);
    let setup = Setup::app_role(&bao.address(), &ids).template("out", USER).with_sink();
    let _agent = setup.start();
    let first = another_user(&setup, "");
    setup.wait_for("sink", &setup.read("sink").unwrap_or_default());
    let token = setup.read("sink").unwrap();
    setup.wait_for_log("the lease cannot be renewed now; its credential stays in use");
    assert_eq!(setup.read("out").unwrap(), first);
    let second = another_user(&setup, &first);
    assert_eq!(setup.read("sink").unwrap(), token, "the token is not dead");
    assert_eq!(broker.made(), [first, second]);
    assert_eq!(setup.log().matches("logged in").count(), 1, "{}", setup.log());
}

#[test]
fn a_forbidden_path_without_the_default_policy_is_no_reason_to_log_in_again() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let ids = bao.app_role(POLICY, json!({ "token_ttl": "1h", "token_no_default_policy": true }));
    let setup = Setup::app_role(&bao.address(), &ids)
        .template("out", r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#)
        .template("never", r#"{{ with secret "kv/data/other" }}{{ .Data.data.password }}{{ end }}"#);
    let _agent = setup.start();
    setup.wait_for("out", "one");
    wait("several refusals", PATIENCE, || {
        setup.log().matches("GET kv/data/other: the server answered 403").count() >= 4
    });
    assert_eq!(setup.log().matches("logged in").count(), 1, "{}", setup.log());
}
