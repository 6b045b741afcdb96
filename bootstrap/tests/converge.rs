//! `converge` against a real OpenBao in development mode.
#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use blinkchamber_bootstrap::Failure;
use blinkchamber_bootstrap::converge::converge;
use blinkchamber_bootstrap::converge::rules::Rules;
use blinkchamber_bootstrap::converge::session::{Account, Area, Mode, Session};
use blinkchamber_bootstrap::desired::Desired;
use blinkchamber_bootstrap::server::vault;
use blinkchamber_policies::apply::{Method, Server as _, Vault};
use blinkchamber_test_tools::{Running, bao_dev, free_port};
use secrecy::SecretString;
use serde_json::{Value, json};

const ROOT: &str = "root-token-of-a-test";

const DESIRED: &str = r#"
owner: blinkchamber
kv: [secret, other]
kubernetes: {path: kubernetes, host: "https://kubernetes.default.svc", audience: vault, tokenTtl: 1h, tokenMaxTtl: 24h}
secrets:
  - path: secret/data/postgres
    keys: {superuser: {length: 40}, vaultadmin: {length: 40}}
  - path: other/data/app/config
    keys: {masterkey: {length: 32}, again: {sameAs: masterkey}, user: {text: someone}}
databases: [{mount: database, connections: []}]
pki: {mount: pki, commonName: the platform, roles: [{name: web, allowedDomains: [web.shop.svc], maxTtl: 72h}]}
operators:
  - {role: operator, serviceAccount: someone, namespace: blinkchamber, policy: 'path "secret/*" { capabilities = ["read"] }'}
"#;

const CONNECTION: &str = r#"
databases:
  - mount: database
    connections:
      - name: demo
        plugin: postgresql-database-plugin
        url: "postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres?connect_timeout=1"
        username: vaultadmin
        firstPassword: {path: secret/data/postgres, key: vaultadmin}
"#;

/// A server in memory, ended with the test.
struct Bao {
    _running: Running,
    address: String,
    _home: tempfile::TempDir,
}

impl Bao {
    fn start() -> Self {
        let port = free_port();
        let home = tempfile::tempdir().unwrap();
        let running = Running::start(bao_dev(port, ROOT).env("HOME", home.path()));
        let bao = Self { _running: running, address: format!("http://127.0.0.1:{port}"), _home: home };
        let start = Instant::now();
        while bao.server().read("sys/mounts/secret").is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "bao never answered");
            std::thread::sleep(Duration::from_millis(50));
        }
        bao.server().write("sys/auth/kubernetes", &json!({"type": "kubernetes"})).unwrap();
        let host = "https://kubernetes.default.svc";
        // Outside a pod there is no service account to ask the API server with.
        let config = json!({"kubernetes_host": host, "disable_local_ca_jwt": true, "kubernetes_ca_cert": "none"});
        bao.server().write("auth/kubernetes/config", &config).unwrap();
        bao
    }

    fn server(&self) -> Vault {
        let server = vault(&self.address, None, Duration::from_secs(10)).unwrap();
        server.with_token(&SecretString::from(ROOT)).unwrap()
    }

    fn read(&self, path: &str) -> Value {
        self.server().read(path).unwrap().unwrap_or_else(|| panic!("{path} exists"))["data"].clone()
    }

    /// One run: how it ended and what it printed.
    fn converge(&self, text: &str, workloads: &[(String, String)], limit: Duration) -> (Result<(), Failure>, String) {
        let desired = Desired::parse(text).unwrap();
        let rules = Rules::new(workloads, &desired).unwrap();
        let mut out = Vec::new();
        let result = converge(&mut Session::new(self.server(), limit, &mut out), &desired, &rules);
        (result, String::from_utf8(out).unwrap())
    }
}

impl Bao {
    /// What differs, with nothing changed, and what was said.
    fn look(&self, text: &str) -> (Account, String) {
        let desired = Desired::parse(text).unwrap();
        let rules = Rules::new(&[], &desired).unwrap();
        let mut out = Vec::new();
        let mut session = Session::new(self.server(), Duration::from_secs(30), &mut out).with_mode(Mode::Look);
        converge(&mut session, &desired, &rules).unwrap();
        (std::mem::take(&mut session.account), String::from_utf8(out).unwrap())
    }
}

fn strings(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().expect("an object").iter();
    members.map(|(key, value)| (key.clone(), value.as_str().expect("a string").to_owned())).collect()
}

#[test]
fn the_second_run_changes_nothing_and_no_value_is_printed() {
    let bao = Bao::start();
    let (result, first) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    result.unwrap_or_else(|failure| panic!("{failure}\n{first}"));
    assert!(first.contains("secret/data/postgres: made (superuser, vaultadmin)"), "{first}");
    assert!(first.contains("mount secret/: as it should be") && first.contains("mount other/: made (kv)"), "{first}");
    let postgres = strings(&bao.read("secret/data/postgres")["data"]);
    let config = strings(&bao.read("other/data/app/config")["data"]);
    assert_eq!(postgres.values().map(String::len).collect::<Vec<_>>(), [40, 40]);
    assert_ne!(postgres["superuser"], postgres["vaultadmin"]);
    assert_eq!(config["masterkey"].len(), 32);
    assert_eq!((&config["again"], config["user"].as_str()), (&config["masterkey"], "someone"));
    assert_eq!(bao.read("auth/kubernetes/config")["kubernetes_host"], "https://kubernetes.default.svc");
    let role = bao.read("auth/kubernetes/role/operator");
    assert_eq!(role["bound_service_account_names"], json!(["someone"]));
    assert_eq!(role["audience"], "vault");
    assert!(bao.read("sys/policies/acl/operator-policy")["policy"].as_str().unwrap().contains("secret/*"));

    let (result, second) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    result.unwrap();
    assert!(second.contains("converged: 0 changed"), "{second}");
    assert!(second.contains("policies and roles: 2 as they should be"), "{second}");
    assert_eq!(strings(&bao.read("secret/data/postgres")["data"]), postgres, "never overwritten");
    assert_eq!(bao.read("secret/data/postgres")["metadata"]["version"], 1);
    for text in [first, second] {
        let secrets = postgres.values().chain([&config["masterkey"]]);
        for value in secrets.map(String::as_str).chain([ROOT]) {
            assert!(!text.contains(value), "a value was printed:\n{text}");
        }
    }
}

#[test]
fn what_drifted_is_put_right_and_what_people_wrote_stays() {
    let bao = Bao::start();
    bao.converge(DESIRED, &[], Duration::from_secs(30)).0.unwrap();
    let theirs = json!({"data": {"superuser": "chosen by hand"}});
    bao.server().write("secret/data/postgres", &theirs).unwrap();
    let ours = bao.read("sys/policies/acl/operator-policy")["policy"].as_str().unwrap().replace("read", "list");
    bao.server().write("sys/policies/acl/operator-policy", &json!({"policy": ours})).unwrap();
    bao.server().write("auth/kubernetes/role/operator", &json!({"bound_service_account_names": "*"})).unwrap();
    bao.server()
        .write("sys/policies/acl/theirs", &json!({"policy": "path \"x\" { capabilities = [\"read\"] }"}))
        .unwrap();
    bao.server().write("pki/roles/web", &json!({"allow_any_name": true, "allowed_domains": ["evil.test"]})).unwrap();
    let issuers = bao.server().call(Method::List, "pki/issuers", None).unwrap().unwrap();
    let (account, said) = bao.look(DESIRED);
    assert_eq!(account.differences.len(), 3, "{said}");
    assert_eq!(account.by_area, [(Area::Pki, 1), (Area::Policy, 1), (Area::Role, 1)].into());
    assert_eq!(bao.read("pki/roles/web")["allowed_domains"], json!(["evil.test"]), "looking changes nothing");
    let (result, said) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    result.unwrap();
    assert!(said.contains("converged: 3 changed"), "{said}");
    assert_eq!(bao.look(DESIRED).0.differences, [""; 0]);
    assert_eq!(bao.read("pki/roles/web")["allowed_domains"], json!(["web.shop.svc"]));
    assert_eq!(
        bao.server().call(Method::List, "pki/issuers", None).unwrap().unwrap()["data"],
        issuers["data"],
        "one root for ever"
    );
    assert_eq!(bao.read("secret/data/postgres")["data"], theirs["data"]);
    assert_eq!(bao.read("auth/kubernetes/role/operator")["bound_service_account_names"], json!(["someone"]));
    assert!(bao.read("sys/policies/acl/operator-policy")["policy"].as_str().unwrap().contains("[\"read\"]"));
    assert!(bao.read("sys/policies/acl/theirs")["policy"].as_str().unwrap().contains("\"x\""));
}

const WORKLOAD: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        vault.hashicorp.com/agent-inject: "true"
        vault.hashicorp.com/role: shop-role
        vault.hashicorp.com/agent-inject-secret-db: secret/data/postgres
    spec:
      serviceAccountName: shop
      containers: [{name: shop, image: shop}]
"#;

#[test]
fn workloads_get_the_rules_that_they_need_and_lose_them_when_they_go() {
    let bao = Bao::start();
    let workloads = [("shop.yaml".to_owned(), WORKLOAD.to_owned())];
    let (result, said) = bao.converge(DESIRED, &workloads, Duration::from_secs(30));
    result.unwrap();
    assert!(said.contains("policy shop-policy: made"), "{said}");
    let policy = bao.read("sys/policies/acl/shop-policy")["policy"].as_str().unwrap().to_owned();
    assert!(policy.contains("\"secret/data/postgres\"") && !policy.contains("other"), "{policy}");
    let role = bao.read("auth/kubernetes/role/shop-role");
    assert_eq!((&role["audience"], &role["token_ttl"]), (&json!("vault"), &json!(3600)));
    let (_, again) = bao.converge(DESIRED, &workloads, Duration::from_secs(30));
    assert!(again.contains("converged: 0 changed"), "{again}");
    let (result, said) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    result.unwrap();
    assert!(said.contains("policy shop-policy: removed"), "{said}");
    assert!(bao.server().read("auth/kubernetes/role/shop-role").unwrap().is_none());
}

#[test]
fn a_new_server_differs_in_everything_and_a_certificate_is_given_for_the_allowed_domains_only() {
    let bao = Bao::start();
    let (account, said) = bao.look(DESIRED);
    // Mount `secret` is there, in a development server; the auth method too.
    assert_eq!(account.by_area[&Area::Mount], 3, "{said}");
    assert!(
        account.by_area.contains_key(&Area::Secret) && said.contains("pki/roles/web: not as it should be"),
        "{said}"
    );
    assert!(bao.server().read("other/metadata/app/config").unwrap().is_none(), "nothing was made");
    bao.converge(DESIRED, &[], Duration::from_secs(30)).0.unwrap();
    let issue = |name: &str| bao.server().write("pki/issue/web", &json!({"common_name": name, "ttl": "1h"}));
    let issued = issue("web.shop.svc").unwrap();
    assert!(issued["data"]["issuing_ca"].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    assert!(issue("a.web.shop.svc").is_ok());
    let refused = issue("web.other.svc").err().unwrap().to_string();
    assert!(refused.contains("not allowed by this role"), "{refused}");
}

#[test]
fn the_own_policy_follows_the_file() {
    let bao = Bao::start();
    let with = |rule: &str| format!("{DESIRED}\nownPolicy: {{name: bootstrap, text: 'path \"{rule}\" {{ }}'}}\n");
    bao.converge(&with("a"), &[], Duration::from_secs(30)).0.unwrap();
    let (result, said) = bao.converge(&with("b"), &[], Duration::from_secs(30));
    result.unwrap();
    assert!(said.contains("converged: 1 changed"), "{said}");
    assert!(bao.read("sys/policies/acl/bootstrap")["policy"].as_str().unwrap().contains("path \"b\""));
}

#[test]
fn what_cannot_be_compiled_is_refused_before_anything_is_asked() {
    let dynamic = WORKLOAD.replace(
        "agent-inject-secret-db: secret/data/postgres",
        r#"agent-inject-template-db: '{{ with secret (env "PATH") }}{{ end }}'"#,
    );
    let desired = Desired::parse(DESIRED).unwrap();
    let failure = Rules::new(&[("shop.yaml".to_owned(), dynamic)], &desired).unwrap_err();
    assert!(failure.to_string().contains("shop.yaml"), "{failure}");
    assert_eq!(failure.code(), 2);
    let taken = DESIRED.replace("role: operator", "role: shop-role");
    let desired = Desired::parse(&taken).unwrap();
    let failure = Rules::new(&[("shop.yaml".to_owned(), WORKLOAD.to_owned())], &desired).unwrap_err();
    assert!(failure.to_string().contains("operator shop-role"), "{failure}");
}

#[test]
fn what_others_made_under_the_same_name_stops_the_job() {
    let bao = Bao::start();
    bao.server()
        .write("sys/policies/acl/operator-policy", &json!({"policy": "path \"x\" { capabilities = [\"read\"] }"}))
        .unwrap();
    let (result, _) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    let failure = result.unwrap_err();
    assert!(failure.to_string().contains("operator-policy exists and is not ours"), "{failure}");
}

#[test]
fn a_mount_of_another_kind_is_refused() {
    let bao = Bao::start();
    bao.server().write("sys/mounts/other", &json!({"type": "kv", "options": {"version": "1"}})).unwrap();
    let (result, _) = bao.converge(DESIRED, &[], Duration::from_secs(30));
    let failure = result.unwrap_err();
    assert!(failure.to_string().starts_with("mount other/: holds \"kv\""), "{failure}");
    assert_eq!(failure.code(), 1);
}

#[test]
fn a_database_that_does_not_answer_is_waited_for_and_its_password_not_shown() {
    let bao = Bao::start();
    let text = DESIRED.replace("databases: [{mount: database, connections: []}]", CONNECTION);
    let (result, said) = bao.converge(&text, &[], Duration::from_secs(4));
    let failure = result.unwrap_err().to_string();
    assert!(failure.contains("database/config/demo") && failure.contains("deadline"), "{failure}");
    assert!(said.contains("waiting: POST database/config/demo: status 400"), "{said}");
    let password = bao.read("secret/data/postgres")["data"]["vaultadmin"].as_str().unwrap().to_owned();
    assert!(!said.contains(&password) && !failure.contains(&password));
    assert!(bao.server().read("database/config/demo").unwrap().is_none(), "nothing half-made is left");
}
