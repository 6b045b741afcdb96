//! Against a real `bao server -dev`: what is compiled is exactly sufficient, an apply touches nothing else, and the
//! linter's verdict is the server's.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use blinkchamber_policies::apply::{self, ApplyError, ApplyOptions, Credential, Desired, Method, Server, Vault};
use blinkchamber_policies::compile::{CompileOptions, compile};
use blinkchamber_policies::lint::{LintOptions, lint};
use blinkchamber_policies::rules::Severity;
use blinkchamber_policies::{Exit, Streams};
use blinkchamber_test_tools::{Running, bao_dev, free_port};
use secrecy::SecretString;
use serde_json::{Value, json};

const ROOT: &str = "root";

/// A server of its own for one test, gone at its end.
struct Bao {
    _running: Running,
    address: String,
    vault: Vault,
}

impl Bao {
    fn start() -> Self {
        let port = free_port();
        let running = Running::start(&mut bao_dev(port, ROOT));
        let address = format!("http://127.0.0.1:{port}");
        let vault = connect(&address, ROOT);
        let bao = Self { _running: running, address, vault };
        let start = Instant::now();
        while bao.vault.call(Method::Get, "sys/mounts", None).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        bao.post("sys/auth/kubernetes", json!({ "type": "kubernetes" }));
        bao
    }

    fn post(&self, path: &str, body: Value) {
        self.vault.call(Method::Post, path, Some(&body)).unwrap();
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.vault.call(Method::Get, path, None).unwrap().map(|body| body["data"].clone())
    }

    fn raw(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = http.request(method, format!("{}/v1/{path}", self.address)).header("X-Vault-Token", token);
            let request = body.into_iter().fold(request, |request, body| request.body(body.to_string()));
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }

    /// A token as a login with these policies would give: the default policy is among them.
    fn token(&self, policies: &[&str]) -> String {
        let body = json!({ "policies": policies, "ttl": "10m", "no_parent": true });
        let (status, body) = self.raw("POST", "auth/token/create", ROOT, Some(body));
        assert_eq!(status, 200, "{body}");
        body["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    fn capabilities(&self, token: &str, path: &str) -> Vec<String> {
        let (status, body) = self.raw("POST", "sys/capabilities-self", token, Some(json!({ "paths": [path] })));
        assert_eq!(status, 200, "{body}");
        let words = body["data"][path].as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    }
}

fn connect(address: &str, token: &str) -> Vault {
    Vault::connect(address, None, Credential::Token(SecretString::from(token)), Duration::from_secs(30)).unwrap()
}

fn shop() -> Desired {
    let text = include_str!("golden/shop.yaml").to_owned();
    Desired::new("shop", compile(&[("shop.yaml".to_owned(), text)], &CompileOptions::default()).unwrap())
}

#[test]
fn compiled_policies_are_exactly_sufficient() {
    let bao = Bao::start();
    apply::apply(&bao.vault, &shop(), ApplyOptions::default()).unwrap();
    bao.post("secret/data/shop/common", json!({ "data": { "greeting": "x" } }));
    bao.post("secret/data/shop/commons", json!({ "data": { "greeting": "y" } }));
    bao.post("secret/data/shop/features/dark", json!({ "data": { "on": "1" } }));
    let web = bao.token(&["web-policy"]);

    let granted: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("database/creds/web", &["read"][..]),
        ("pki/issue/web", &["update"]),
        ("secret/data/shop/common", &["read"]),
        ("secret/metadata/shop/common", &["read"]),
        ("secret/metadata/shop/features/", &["list"]),
        ("sys/leases/revoke", &["update"]),
    ]);
    for (path, words) in &granted {
        assert_eq!(bao.capabilities(&web, path), *words, "{path}");
    }
    for path in [
        "database/creds/web2",
        "database/creds/we",
        "database/config/web",
        "pki/issue/webs",
        "pki/sign/web",
        "secret/data/shop/commons",
        "secret/data/shop/common/x",
        "secret/data/shop",
        "secret/data/shop/features/dark",
        "secret/metadata/shop/",
        "secret/metadata/shop/features/dark",
        "secret/metadata/shop/commons",
        "secret/delete/shop/common",
        "secret/data/postgres",
        "sys/leases/revoke/database/creds/web/x",
        "sys/policies/acl/web-policy",
        "auth/kubernetes/role/web",
    ] {
        assert_eq!(bao.capabilities(&web, path), ["deny"], "{path}");
    }

    let status = |method, path| bao.raw(method, path, &web, None).0;
    assert_eq!(status("GET", "secret/data/shop/common"), 200);
    assert_eq!(status("GET", "secret/metadata/shop/common"), 200);
    assert_eq!(status("LIST", "secret/metadata/shop/features"), 200);
    assert_eq!(status("GET", "secret/data/shop/commons"), 403);
    assert_eq!(status("DELETE", "secret/metadata/shop/common"), 403);
    assert_eq!(status("GET", "sys/internal/ui/mounts/secret/shop/common"), 200, "the agent asks for the KV version");
    let postgres = bao.token(&["postgres-policy"]);
    assert_eq!(bao.capabilities(&postgres, "secret/data/postgres"), ["read"]);
    assert_eq!(bao.capabilities(&postgres, "secret/data/shop/common"), ["deny"]);
}

#[test]
fn leases_can_be_renewed_and_only_ones_own_given_back() {
    let bao = Bao::start();
    apply::apply(&bao.vault, &shop(), ApplyOptions::default()).unwrap();
    let web = bao.token(&["web-policy"]);
    let revoke = |body: Value| {
        let (status, body) = bao.raw("POST", "sys/leases/revoke", &web, Some(body));
        (status, body["errors"].to_string().contains("permission denied"))
    };
    // Nothing has this lease: an allowed request is a successful one.
    assert_eq!(revoke(json!({ "lease_id": "database/creds/web/x" })), (204, false));
    assert_eq!(revoke(json!({ "lease_id": "database/creds/webs/x" })), (403, true));
    assert_eq!(revoke(json!({ "lease_id": "auth/token/create/x" })), (403, true));
    for path in ["sys/leases/renew", "auth/token/renew-self", "auth/token/revoke-self"] {
        assert_eq!(bao.capabilities(&web, path), ["update"], "the default policy has {path}");
    }
    assert_eq!(bao.capabilities(&web, "auth/token/lookup-self"), ["read"]);
}

#[test]
fn applying_again_changes_nothing_and_drift_is_mended() {
    let bao = Bao::start();
    bao.post("sys/policies/acl/theirs", json!({ "policy": "path \"x\" { capabilities = [\"read\"] }" }));
    let first = apply::apply(&bao.vault, &shop(), ApplyOptions::default()).unwrap();
    assert_eq!(first.changes.len(), 4);
    let versions = |bao: &Bao| bao.get("sys/policies/acl/web-policy").unwrap()["version"].clone();
    let version = versions(&bao);
    let second = apply::apply(&bao.vault, &shop(), ApplyOptions { prune: true, adopt: true }).unwrap();
    assert!(second.is_empty() && second.unchanged == 4, "{second}");
    assert_eq!(versions(&bao), version, "nothing was written");

    bao.post("auth/kubernetes/role/web", json!({ "token_ttl": "2h", "token_policies": ["web-policy", "theirs"] }));
    let drift = apply::diff(&bao.vault, &shop(), ApplyOptions::default()).unwrap().to_string();
    assert!(drift.contains("update role auth/kubernetes/role/web"), "{drift}");
    assert!(drift.contains("~ token_ttl: 7200 -> 3600"), "{drift}");
    apply::apply(&bao.vault, &shop(), ApplyOptions::default()).unwrap();
    let role = bao.get("auth/kubernetes/role/web").unwrap();
    assert_eq!((&role["token_ttl"], &role["token_policies"]), (&json!(3600), &json!(["web-policy"])));
    assert!(apply::diff(&bao.vault, &shop(), ApplyOptions::default()).unwrap().is_empty());
    assert!(bao.get("sys/policies/acl/theirs").is_some());
}

#[test]
fn foreign_objects_are_left_alone_and_ours_are_pruned() {
    let bao = Bao::start();
    let theirs = json!({ "policy": "path \"x\" { capabilities = [\"read\"] }" });
    bao.post("sys/policies/acl/web-policy", theirs.clone());
    let refused = apply::apply(&bao.vault, &shop(), ApplyOptions::default()).unwrap_err();
    assert_eq!(refused, ApplyError::Foreign(vec!["policy web-policy".to_owned()]));
    assert!(bao.get("sys/policies/acl/postgres-policy").is_none(), "nothing was written");
    apply::apply(&bao.vault, &shop(), ApplyOptions { adopt: true, prune: false }).unwrap();

    bao.post("sys/policies/acl/theirs", theirs);
    bao.post(
        "auth/kubernetes/role/theirs",
        json!({ "bound_service_account_names": "x", "bound_service_account_namespaces": "x", "token_policies": "theirs" }),
    );
    let mut smaller = shop();
    smaller.policies.remove("web-policy");
    smaller.roles.remove("web");
    let kept = apply::apply(&bao.vault, &smaller, ApplyOptions::default()).unwrap();
    assert!(kept.is_empty() && kept.kept.len() == 1, "{kept}");
    let pruned = apply::apply(&bao.vault, &smaller, ApplyOptions { adopt: false, prune: true }).unwrap();
    assert_eq!(pruned.changes.len(), 2, "{pruned}");
    assert!(bao.get("sys/policies/acl/web-policy").is_none() && bao.get("auth/kubernetes/role/web").is_none());
    assert!(bao.get("sys/policies/acl/theirs").is_some() && bao.get("auth/kubernetes/role/theirs").is_some());
    assert!(apply::apply(&bao.vault, &smaller, ApplyOptions { adopt: false, prune: true }).unwrap().is_empty());
}

#[test]
fn somebody_who_may_not_is_told_so() {
    let bao = Bao::start();
    let nobody = connect(&bao.address, &bao.token(&["default"]));
    let error = apply::apply(&nobody, &shop(), ApplyOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("GET sys/policies/acl/postgres-policy: status 403: "), "{error}");
    assert!(error.contains("permission denied"), "{error}");
}

#[test]
fn the_command_line_does_it_too() {
    let bao = Bao::start();
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, format!("{ROOT}\n")).unwrap();
    let set = directory.path().join("set");
    let (set, token) = (set.to_str().unwrap(), token.to_str().unwrap());
    let run = |words: &[&str], input: &str| {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let streams = Streams { input: &mut input.as_bytes(), output: &mut output, errors: &mut errors };
        let words = std::iter::once("blinkchamber-policies").chain(words.iter().copied()).map(Into::into);
        let exit = blinkchamber_policies::run(words, streams);
        (exit, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
    };
    let manifests = include_str!("golden/shop.yaml");
    assert_eq!(run(&["compile", "--out", set], manifests).0, Exit::Success);
    let apply = ["apply", set, "--address", &bao.address, "--token-file", token];
    let (exit, shown, _) = run(&[&apply[..], &["--dry-run"]].concat(), "");
    assert_eq!(exit, Exit::Success);
    assert!(shown.contains("create policy web-policy\n    + \"database/creds/web\" [read]\n"), "{shown}");
    assert!(bao.get("sys/policies/acl/web-policy").is_none(), "a dry run writes nothing");
    assert_eq!(run(&apply, "").0, Exit::Success);
    let (_, stream, _) = run(&["compile"], manifests);
    let (exit, shown, _) = run(&["apply", "-", "--address", &bao.address, "--token-file", token], &stream);
    assert_eq!(exit, Exit::Success);
    assert_eq!(shown, "0 to create, 0 to update, 0 to adopt, 0 to delete, 4 unchanged\n");
    bao.post("sys/policies/acl/web-policy", json!({ "policy": "path \"x\" {}" }));
    let (exit, _, errors) = run(&apply, "");
    assert_eq!(exit, Exit::Findings);
    assert!(errors.contains("policy web-policy exists and is not ours") && errors.contains("--adopt"), "{errors}");
}

/// The recorded cases, and mutations of real shapes: the linter finds an error of refusal exactly where the server does,
/// and shows the server's own sentence.
#[test]
fn the_linter_refuses_what_the_server_refuses() {
    let bao = Bao::start();
    let mut texts: Vec<String> = include_str!("data/parse-cases.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["hcl"].as_str().unwrap().to_owned())
        .collect();
    let values = [
        "\"read\"",
        "[\"read\"]",
        "[\"deny\", \"x\"]",
        "{ a = [\"1\"] }",
        "1",
        "true",
        "\"1h\"",
        "<<E\nx\nE\n",
        "[[1]]",
    ];
    let keys = ["capabilities", "policy", "allowed_parameters", "min_wrapping_ttl", "expiration", "comment", "oops"];
    for path in ["\"a/*\"", "\"a/+*\"", "\"{{x}}\"", "\"{{x\"", "a.b", "\"a${\"b\"}\""] {
        for key in keys {
            texts.extend(values.map(|value| format!("path {path}\n{{\n  {key} = {value}\n}}\n")));
        }
    }
    for (index, text) in texts.iter().enumerate() {
        let (status, body) = bao.raw("PUT", "sys/policies/acl/probe", ROOT, Some(json!({ "policy": text })));
        let answer = body["errors"][0].as_str();
        let mut options = LintOptions::default();
        options.now = 1_795_500_000;
        let findings = lint(text, &options);
        let refusal = findings.iter().find_map(|finding| finding.server.as_deref());
        assert_eq!(
            (status == 204, refusal.is_none()),
            (answer.is_none(), answer.is_none()),
            "{index}: {text}\n{answer:?}\n{refusal:?}"
        );
        let errors = findings.iter().filter(|finding| finding.rule.severity == Severity::Error).count();
        assert!(answer.is_none() || errors > 0 || text.is_empty(), "{text}");
    }
}
