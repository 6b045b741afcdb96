//! The evaluator against a real `bao server -dev`: generated policies, the server's answers beside ours.
//!
//! The seed is printed; `BLINKCHAMBER_SEED` repeats a run.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its test"
)]

use std::time::{Duration, Instant};

use blinkchamber_policies::evaluate::{Acl, Alias, Context, Entity, Identity, Operation, Request, Source};
use blinkchamber_policies::policy::{Policy, parse};
use blinkchamber_test_tools::{Running, bao_dev, free_port};
use fastrand::Rng;
use serde_json::{Value, json};

const ROOT: &str = "root";
/// 2026-11-24; no generated rule expires.
const NOW: i64 = 1_795_500_000;

struct Bao {
    _running: Running,
    address: String,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Bao {
    fn start() -> Self {
        let port = free_port();
        let running = Running::start(&mut bao_dev(port, ROOT));
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bao = Self { _running: running, address: format!("http://127.0.0.1:{port}"), runtime, http };
        let start = Instant::now();
        while bao.try_send("GET", "sys/mounts", ROOT, None, None).is_none_or(|(status, _)| status != 200) {
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        bao
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
        wrap_ttl: Option<&str>,
    ) -> Option<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request =
            self.http.request(method, format!("{}/v1/{path}", self.address)).header("X-Vault-Token", token);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        if let Some(ttl) = wrap_ttl {
            request = request.header("X-Vault-Wrap-TTL", ttl);
        }
        self.runtime.block_on(async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            Some((status, serde_json::from_str(&response.text().await.ok()?).unwrap_or(Value::Null)))
        })
    }

    /// As root, and it must work.
    fn root(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_send(method, path, ROOT, Some(&body), None).unwrap();
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    /// One login; its token has the policies p0, p1 and p2 and no other, whatever they say at the time.
    fn login(&self) -> String {
        let body = json!({ "token_policies": ["p0", "p1", "p2"], "token_no_default_policy": true });
        self.root("POST", "auth/userpass/users/ann", body);
        let answer = self.root("POST", "auth/userpass/login/ann", json!({ "password": "x" }));
        answer["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// Makes the token's policies these, up to three.
    fn write(&self, texts: &[String]) {
        for index in 0..3 {
            let text = texts.get(index).map_or("# none", String::as_str);
            self.root("PUT", &format!("sys/policies/acl/p{index}"), json!({ "policy": text }));
        }
    }

    /// The entity behind the logins.
    fn identity(&self) -> Identity {
        self.root("POST", "sys/auth/userpass", json!({ "type": "userpass" }));
        self.root("POST", "auth/userpass/users/ann", json!({ "password": "x" }));
        let accessor =
            self.root("GET", "sys/auth", Value::Null)["data"]["userpass/"]["accessor"].as_str().unwrap().to_owned();
        let entity =
            self.root("POST", "identity/entity", json!({ "name": "ann", "metadata": { "team": "red", "none": "" } }));
        let id = entity["data"]["id"].as_str().unwrap().to_owned();
        let alias = self.root(
            "POST",
            "identity/entity-alias",
            json!({ "name": "ann", "canonical_id": id, "mount_accessor": accessor }),
        );
        let alias = Alias {
            accessor,
            id: alias["data"]["id"].as_str().unwrap().to_owned(),
            name: "ann".to_owned(),
            ..Alias::default()
        };
        let metadata = [("team", "red"), ("none", "")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let entity = Entity { id, name: "ann".to_owned(), metadata, aliases: vec![alias] };
        Identity { entity: Some(entity), groups: Vec::new() }
    }
}

fn seed() -> u64 {
    let seed =
        std::env::var("BLINKCHAMBER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("BLINKCHAMBER_SEED={seed}");
    seed
}

fn compiled(texts: &[String], identity: &Identity) -> Acl {
    let policies: Vec<Policy> = texts.iter().map(|text| parse(text, NOW).unwrap()).collect();
    let sources: Vec<_> = policies.iter().map(|policy| Source::new("p", policy)).collect();
    Acl::new(Context { identity: Some(identity), now: NOW, ..Context::default() }, &sources).unwrap()
}

/// A path of few segments, so that rules and requests meet; `wild` makes it one of a policy.
fn path(rng: &mut Rng, wild: bool) -> String {
    const PLAIN: &[&str] = &["a", "b", "ab", "abc", "red", "ann", ""];
    const WILD: &[&str] = &[
        "+",
        "+",
        "+a",
        "a+",
        "a*b",
        "{{identity.entity.metadata.team}}",
        "{{ identity.entity.name }}",
        "{{identity.entity.metadata.none}}",
        "{{identity.entity.metadata.missing}}x",
    ];
    let mut segments =
        vec![*rng.choice(["kv", "kv", "secret", "+", "k"].iter().take(if wild { 5 } else { 3 })).unwrap()];
    for _ in 0..rng.usize(0..5) {
        let from = if wild && rng.u8(0..10) < 4 { WILD } else { PLAIN };
        segments.push(rng.choice(from).unwrap());
    }
    let mut path = segments.join("/");
    if wild && rng.bool() && !path.ends_with('+') {
        path.push('*');
    } else if rng.u8(0..4) == 0 {
        path.push('/');
    }
    if rng.u8(0..20) == 0 { format!("/{path}") } else { path }
}

fn policy(rng: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..rng.usize(1..9) {
        let mut words: Vec<&str> =
            ["create", "read", "update", "patch", "delete", "list", "scan", "sudo", "deny"].to_vec();
        words.retain(|word| rng.u8(0..10) < if *word == "deny" { 1 } else { 3 });
        text.push_str(&format!("path \"{}\" {{ capabilities = {words:?} }}\n", path(rng, true)));
    }
    text
}

/// The server takes a template's empty value as it is, and the path may then hold `+*`.
fn usable(texts: &[String]) -> bool {
    texts.iter().all(|text| parse(text, NOW).is_ok() && !text.contains("+{{") && !text.contains("}}*"))
}

#[test]
fn twenty_thousand_paths_are_answered_as_the_server_does() {
    const SETS: usize = 200;
    const PATHS: usize = 100;
    let mut rng = Rng::with_seed(seed());
    let bao = Bao::start();
    let identity = bao.identity();
    let token = bao.login();
    let mut granted = 0;
    for _ in 0..SETS {
        let mut texts: Vec<String> = Vec::new();
        while texts.is_empty() || !usable(&texts) {
            texts = (0..rng.usize(1..4)).map(|_| policy(&mut rng)).collect();
        }
        let paths: Vec<_> = (0..PATHS).map(|_| path(&mut rng, false)).collect();
        bao.write(&texts);
        let answer = bao.root("POST", "sys/capabilities", json!({ "token": token, "paths": paths }));
        let acl = compiled(&texts, &identity);
        for path in &paths {
            let mut theirs: Vec<_> =
                answer["data"][path].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            theirs.sort_unstable();
            granted += usize::from(theirs != ["deny"]);
            assert_eq!(acl.capabilities(path), theirs, "{path}\n{}", texts.join("---\n"));
        }
    }
    println!("{} pairs, {granted} of them granted", SETS * PATHS);
    assert!(granted > SETS * PATHS / 20, "the generator makes rules that meet paths: {granted}");
}

/// Rules with conditions on one mount of KV version 1.
fn conditions(rng: &mut Rng) -> String {
    const VALUES: &[&str] = &["\"x\"", "\"y*\"", "\"*z\"", "\"*\"", "1", "true", "[\"x\", \"y\"]"];
    let mut text = String::new();
    for _ in 0..rng.usize(1..3) {
        let mut words = vec!["create", "read", "update", "delete", "list"];
        words.retain(|_| rng.u8(0..4) > 0);
        text.push_str(&format!(
            "path \"{}\" {{\n  capabilities = {words:?}\n",
            rng.choice(["kv1/a", "kv1/+", "kv1/*"]).unwrap()
        ));
        for key in ["allowed_parameters", "denied_parameters"] {
            if rng.u8(0..3) > 0 {
                continue;
            }
            text.push_str(&format!("  {key} = {{"));
            let mut names = vec!["p", "Q", "*"];
            names.retain(|_| rng.bool());
            for name in names {
                let list: Vec<_> = (0..rng.usize(0..3)).map(|_| *rng.choice(VALUES).unwrap()).collect();
                text.push_str(&format!(" \"{name}\" = [{}]", list.join(", ")));
            }
            text.push_str(" }\n");
        }
        if rng.u8(0..4) == 0 {
            text.push_str("  required_parameters = [\"P\"]\n");
        }
        if rng.u8(0..4) == 0 {
            text.push_str(&format!(
                "  {} = \"{}s\"\n",
                rng.choice(["min_wrapping_ttl", "max_wrapping_ttl"]).unwrap(),
                rng.u8(1..4) * 30
            ));
        }
        if rng.u8(0..4) == 0 {
            text.push_str("  pagination_limit = 5\n");
        }
        text.push_str("}\n");
    }
    text
}

#[test]
fn requests_pass_and_fail_as_on_the_server() {
    let mut rng = Rng::with_seed(seed());
    let bao = Bao::start();
    let identity = bao.identity();
    let token = bao.login();
    bao.root("POST", "sys/mounts/kv1", json!({ "type": "kv" }));
    let (mut allowed, mut refused) = (0, 0);
    for _ in 0..120 {
        let texts: Vec<_> = (0..rng.usize(1..3)).map(|_| conditions(&mut rng)).collect();
        bao.write(&texts);
        let acl = compiled(&texts, &identity);
        for _ in 0..10 {
            let (operation, method) = *rng
                .choice(&[
                    (Operation::Read, "GET"),
                    (Operation::Create, "POST"),
                    (Operation::Update, "POST"),
                    (Operation::Delete, "DELETE"),
                    (Operation::List, "LIST"),
                ])
                .unwrap();
            let mut url = if operation == Operation::List { "kv1/" } else { *rng.choice(&["kv1/a", "kv1/b"]).unwrap() }
                .to_owned();
            let mut data = json!({});
            let values = [
                json!("x"),
                json!("yes"),
                json!("buzz"),
                json!("*"),
                json!(1),
                json!(true),
                json!(["x", "y"]),
                json!(["x"]),
            ];
            for name in ["p", "q", "P", "r"] {
                if rng.u8(0..3) == 0 {
                    data[name] = rng.choice(&values).unwrap().clone();
                }
            }
            match operation {
                Operation::Create => {
                    bao.root("DELETE", &url, Value::Null);
                }
                Operation::Update => {
                    bao.root("POST", &url, json!({ "x": "y" }));
                }
                Operation::List => {
                    url.push_str(rng.choice(&["", "?limit=3", "?limit=6", "?limit=max", "?limit=x"]).unwrap())
                }
                _ => url.push_str(rng.choice(&["", "?p=x", "?q=yes", "?p=x&q=1&p=x"]).unwrap()),
            }
            let body = matches!(operation, Operation::Create | Operation::Update).then_some(&data);
            let wrap = *rng.choice(&[None, None, Some("30s"), Some("45s"), Some("100s")]).unwrap();
            let (status, _) = bao.try_send(method, &url, &token, body, wrap).unwrap();
            let mut request = Request::new(operation, &url);
            if let Some(data) = body {
                request = request.data(data.clone()).unwrap();
            }
            if let Some(ttl) = wrap {
                request = request.wrap_ttl(ttl).unwrap();
            }
            let decision = acl.decide(&request);
            let told = format!(
                "{method} {url} {data} wrapped {wrap:?}: {status}, {}\n{}",
                decision.reason,
                texts.join("---\n")
            );
            assert_eq!(decision.allowed, status != 403, "{told}");
            if decision.allowed { allowed += 1 } else { refused += 1 }
        }
    }
    assert!(allowed > 100 && refused > 100, "both happen: {allowed}, {refused}");
}
