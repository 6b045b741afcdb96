//! TLS with the real server: the given authority and nobody else, the right name, and who we are.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    authority::Authority,
    bao::Bao,
    gate::Gate,
    process::{PATIENCE, Setup, wait},
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;

/// A server that shows a certificate for these names.
fn server(names: &[&str], more: &str) -> (Bao, Authority, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority");
    authority.issue(names, directory.path(), "server");
    let bao = Bao::start_with_tls(directory.path(), more);
    bao.put("app", json!({ "password": "one" }));
    (bao, authority, directory)
}

fn address(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// An agent of the server with these keys of `vault`, in a hurry to try again.
fn agent(port: u16, vault: &Value) -> Setup {
    let setup = Setup::new(&address(port), "root").template("out", PASSWORD);
    let mut config = setup.config["vault"].clone();
    config.as_object_mut().unwrap().extend(vault.as_object().unwrap().clone());
    let mut auth = setup.config["auto_auth"].clone();
    auth["method"]["max_backoff"] = json!("1s");
    setup.configure("vault", config).configure("auto_auth", auth)
}

/// An agent that trusts whom its file `ca.pem` names.
fn with_authority_file(port: u16) -> Setup {
    let setup = agent(port, &json!({}));
    let vault = json!({ "address": address(port), "ca_cert": setup.text("ca.pem") });
    setup.configure("vault", vault)
}

/// Replaces a file in one step, as the kubelet does.
fn replace(setup: &Setup, name: &str, content: &str) {
    fs::write(setup.path("aside"), content).unwrap();
    fs::rename(setup.path("aside"), setup.path(name)).unwrap();
}

#[test]
fn the_wrong_authority_is_refused_until_it_is_the_right_one() {
    let (bao, authority, _directory) = server(&["127.0.0.1"], "");
    let setup = with_authority_file(bao.tls_port());
    replace(&setup, "ca.pem", Authority::new("another").pem());
    let mut agent = setup.start();
    setup.wait_for_log("invalid peer certificate: UnknownIssuer");
    assert!(agent.is_alive() && setup.read("out").is_none());
    replace(&setup, "ca.pem", authority.pem());
    setup.wait_for("out", "one");
}

#[test]
fn the_authority_of_the_server_is_replaced_while_the_agent_runs() {
    let (bao, authority, directory) = server(&["127.0.0.1"], "");
    let gate = Gate::start(bao.tls_port());
    let setup = with_authority_file(gate.port());
    replace(&setup, "ca.pem", authority.pem());
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    let identity = setup.identity("out");

    let next = Authority::new("the next authority");
    next.issue(&["127.0.0.1"], directory.path(), "server");
    bao.signal("HUP");
    // Connections that are open know nothing of a new certificate.
    wait("the agent meets the new certificate", PATIENCE, || {
        gate.close();
        gate.open();
        setup.log().contains("invalid peer certificate")
    });
    assert_eq!(setup.identity("out"), identity, "the file stays");
    // A file that is no authority is not used, and what was trusted before still is.
    replace(&setup, "ca.pem", "not a certificate");
    setup.wait_for_log("the authorities cannot be read again; the last ones stay in use");
    assert!(agent.is_alive());
    replace(&setup, "ca.pem", next.pem());
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
}

#[test]
fn the_authority_comes_as_bytes_too() {
    let (bao, authority, _directory) = server(&["127.0.0.1"], "");
    for bytes in [authority.pem().to_owned(), BASE64_STANDARD.encode(authority.pem())] {
        let setup = agent(bao.tls_port(), &json!({})).variable("VAULT_CACERT_BYTES", &bytes);
        let _agent = setup.start();
        setup.wait_for("out", "one");
    }
    let setup = agent(bao.tls_port(), &json!({})).variable("BAO_CACERT_BYTES", Authority::new("another").pem());
    let _agent = setup.start();
    setup.wait_for_log("invalid peer certificate: UnknownIssuer");
    let nobody = agent(bao.tls_port(), &json!({})).variable("VAULT_CACERT_BYTES", "no authority at all");
    let output = nobody.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("needs an authority to trust"), "{told}");
}

#[test]
fn the_name_must_be_the_servers() {
    let (bao, authority, _directory) = server(&["bao.test"], "");
    let trusting = |vault: &Value| agent(bao.tls_port(), vault).variable("VAULT_CACERT_BYTES", authority.pem());
    for wrong in [json!({}), json!({ "tls_server_name": "other.test" })] {
        let setup = trusting(&wrong);
        let mut agent = setup.start();
        setup.wait_for_log("not valid for name");
        assert!(agent.is_alive() && setup.read("out").is_none());
    }
    let setup = trusting(&json!({ "tls_server_name": "bao.test" }));
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let setup = trusting(&json!({})).variable("VAULT_TLS_SERVER_NAME", "bao.test");
    let _agent = setup.start();
    setup.wait_for("out", "one");
}

#[test]
fn verification_is_off_only_when_asked_for() {
    let (bao, _authority, _directory) = server(&["bao.test"], "");
    let setup = agent(bao.tls_port(), &json!({ "tls_skip_verify": true }));
    let _agent = setup.start();
    setup.wait_for("out", "one");
    let setup = agent(bao.tls_port(), &json!({})).variable("VAULT_SKIP_VERIFY", "true");
    let _agent = setup.start();
    setup.wait_for("out", "one");
}

#[test]
fn a_client_certificate_is_shown_and_read_again() {
    let clients = Authority::new("the authority of clients");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("clients.pem"), clients.pem()).unwrap();
    let demand = format!(
        "tls_client_ca_file = {:?}\n tls_require_and_verify_client_cert = true",
        directory.path().join("clients.pem")
    );
    let (bao, authority, _directory) = server(&["127.0.0.1"], &demand);
    let trusting = |vault: &Value| agent(bao.tls_port(), vault).variable("VAULT_CACERT_BYTES", authority.pem());

    let without = trusting(&json!({}));
    let _agent = without.start();
    without.wait_for_log("CertificateRequired");

    let setup = trusting(&json!({}));
    let files = json!({
        "address": address(bao.tls_port()), "client_cert": setup.text("client.pem"), "client_key": setup.text("client.key"),
    });
    let setup = setup.configure("vault", files);
    let base = setup.path("");
    Authority::new("somebody else").issue(&["agent.test"], &base, "client");
    let mut agent = setup.start();
    setup.wait_for_log("cannot talk to the server");
    assert!(agent.is_alive() && setup.read("out").is_none());
    clients.issue(&["agent.test"], &base, "client");
    setup.wait_for("out", "one");

    let half = trusting(&json!({ "client_cert": setup.text("client.pem") }));
    let output = half.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("give both"), "{told}");
}
