//! TLS with the real server: the given authority and nobody else.

use std::{fs, path::Path, time::Duration};

use blinkchamber_agent::vault::{Call, Client, Options, Token, Trust};
use serde_json::{Value, json};

use crate::{
    bao::Bao,
    process::{Setup, wait},
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;

/// Writes a secret over TLS, as soon as the server takes it.
fn put(bao: &Bao, authority: &Path, data: &Value) {
    let mut options = Options::new(&bao.address());
    options.trust = Trust { ca_file: Some(authority.to_path_buf()), ..Trust::default() };
    let client = Client::new(options).unwrap();
    let token = Token::new("root").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = json!({ "data": data }).to_string().into_bytes();
    wait("the server takes a secret", Duration::from_secs(20), || {
        let body = Some(body.clone().into());
        let call = Call { path: "secret/data/app", body, token: Some(&token), ..Call::default() };
        runtime.block_on(client.put(call)).is_ok()
    });
}

#[test]
fn the_wrong_authority_is_refused_until_it_is_the_right_one() {
    let certificates = tempfile::tempdir().unwrap();
    let bao = Bao::start_tls(certificates.path());
    let right = certificates.path().join("vault-ca.pem");
    put(&bao, &right, &json!({ "password": "one" }));

    let others = tempfile::tempdir().unwrap();
    let other = Bao::start_tls(others.path());
    drop(other);
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    fs::copy(others.path().join("vault-ca.pem"), setup.path("ca.pem")).unwrap();
    let vault = json!({ "address": bao.address(), "ca_cert": setup.text("ca.pem") });
    let setup = setup.configure("vault", vault);
    let mut agent = setup.start();
    setup.wait_for_log("invalid peer certificate");
    assert!(agent.is_alive() && setup.read("out").is_none());
    fs::copy(&right, setup.path("ca.pem")).unwrap();
    setup.wait_for("out", "one");
    put(&bao, &right, &json!({ "password": "two" }));
    setup.wait_for("out", "two");
}

#[test]
fn verification_is_off_only_when_asked_for() {
    let certificates = tempfile::tempdir().unwrap();
    let bao = Bao::start_tls(certificates.path());
    put(&bao, &certificates.path().join("vault-ca.pem"), &json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root")
        .template("out", PASSWORD)
        .configure("vault", json!({ "address": bao.address(), "tls_skip_verify": true }));
    let _agent = setup.start();
    setup.wait_for("out", "one");
}
