//! An outage that outlives the token, and the proxy on the way.

use serde_json::json;

use crate::{
    authority::Authority,
    bao::Bao,
    gate::Gate,
    process::{PATIENCE, Setup, wait},
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;
const POLICY: &str = r#"path "secret/*" { capabilities = ["read"] }"#;

#[test]
fn an_outage_longer_than_the_tokens_life_ends_with_a_new_login() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let gate = Gate::start(bao.port());
    let ids = bao.app_role(POLICY, json!({ "token_ttl": "5s", "token_max_ttl": "5s" }));
    let address = format!("http://127.0.0.1:{}", gate.port());
    let setup = Setup::app_role(&address, &ids).template("out", PASSWORD).with_sink();
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    wait("a token", PATIENCE, || setup.read("sink").is_some());
    gate.close();
    let (token, identity) = (setup.read("sink").unwrap(), setup.identity("out"));
    wait("the server forgets the token", PATIENCE, || {
        bao.try_ask("POST", "auth/token/lookup", &json!({ "token": token })).0 != 200
    });
    setup.wait_for_log("cannot talk to the server");
    setup.wait_for_log("the login failed");
    bao.put("app", json!({ "password": "two" }));
    assert!(agent.is_alive());
    assert_eq!((setup.identity("out"), setup.read("sink").unwrap()), (identity, token.clone()), "files stay");
    gate.open();
    setup.wait_for("out", "two");
    wait("another token", PATIENCE, || setup.read("sink").is_some_and(|new| new != token));
}

/// A server with TLS for `bao.test`, which nobody but the proxy can resolve.
fn behind_a_proxy() -> (Bao, Gate, Setup, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority");
    authority.issue(&["bao.test"], directory.path(), "server");
    let bao = Bao::start_with_tls(directory.path(), "");
    bao.put("app", json!({ "password": "one" }));
    let proxy = Gate::proxy(bao.tls_port());
    let setup = Setup::new("https://bao.test:8200", "root")
        .template("out", PASSWORD)
        .variable("VAULT_CACERT_BYTES", authority.pem());
    (bao, proxy, setup, directory)
}

#[test]
fn a_proxy_makes_a_tunnel_and_sees_nothing_of_it() {
    let (bao, proxy, setup, _directory) = behind_a_proxy();
    let setup = setup.variable("HTTPS_PROXY", &format!("http://me:hunter2@127.0.0.1:{}", proxy.port()));
    proxy.refuse(Some("502 Bad Gateway"));
    let mut agent = setup.start();
    setup.wait_for_log(&format!("no way through the proxy 127.0.0.1:{}", proxy.port()));
    assert!(agent.is_alive());
    proxy.refuse(None);
    setup.wait_for("out", "one");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("out", "two");
    for head in proxy.heads() {
        assert!(head.starts_with("CONNECT bao.test:8200 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("Basic bWU6aHVudGVyMg=="), "{head}");
    }
    assert!(!setup.log().contains("hunter2"), "{}", setup.log());
}

#[test]
fn exceptions_and_plain_http_go_without_the_proxy() {
    let (bao, proxy, setup, _directory) = behind_a_proxy();
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let setup = setup.variable("https_proxy", &url).variable("no_proxy", "example.com,.test");
    let _agent = setup.start();
    setup.wait_for_log("cannot talk to the server");
    let plain = Setup::new(&bao.address(), "root").template("out", PASSWORD).variable("HTTPS_PROXY", &url);
    let _other = plain.start();
    plain.wait_for("out", "one");
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[test]
fn a_proxy_of_another_kind_is_refused_without_showing_its_password() {
    let setup = Setup::new("https://127.0.0.1:1", "root").variable("HTTPS_PROXY", "socks5://me:hunter2@proxy:1080");
    let output = setup.run(&[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("HTTPS_PROXY") && told.contains("http://") && !told.contains("hunter2"), "{told}");
}
