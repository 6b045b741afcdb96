use super::{Desired, seconds};

const WHOLE: &str = r#"
owner: blinkchamber
kv: [secret]
kubernetes: {path: kubernetes, host: "https://kubernetes.default.svc", audience: vault, tokenTtl: 1h, tokenMaxTtl: 24h}
secrets:
  - path: secret/data/postgres
    keys: {superuser: {length: 40}, vaultadmin: {length: 40}}
databases:
  - mount: database
    connections:
      - name: demo
        plugin: postgresql-database-plugin
        url: "postgresql://{{username}}:{{password}}@postgresql:5432/postgres"
        username: vaultadmin
        firstPassword: {path: secret/data/postgres, key: vaultadmin}
        roles:
          - {name: demo-app, creation: ["CREATE ROLE"], defaultTtl: 1h, maxTtl: 24h}
pki:
  mount: pki
  commonName: the platform
  roles: [{name: web, allowedDomains: [web.svc], maxTtl: 72h}]
rotations:
  - {name: superuser, path: secret/data/postgres, inPlace: {key: superuser}}
  - {name: app, path: secret/data/redis, overlap: {key: app}, settle: 5s, grace: 30s}
  - name: zitadel
    path: secret/data/zitadel/postgres
    twins: {users: [{key: a, username: zitadel_a}, {key: b, username: zitadel_b}]}
operators:
  - {role: operator, serviceAccount: someone, namespace: blinkchamber, policy: 'path "x" { capabilities = ["read"] }'}
"#;

fn refused(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    Desired::parse(&WHOLE.replacen(from, to, 1)).map(|_| ()).unwrap_err()
}

#[test]
fn a_whole_file_is_read() {
    let desired = Desired::parse(WHOLE).unwrap();
    assert_eq!(desired.secrets[0].keys["superuser"].length, Some(40));
    assert_eq!(desired.databases[0].connections[0].roles[0].max_ttl, "24h");
    assert_eq!(desired.operators[0].role, "operator");
    let least = r#"{"owner": "o", "kubernetes": {"path": "k", "host": "h", "audience": "a", "tokenTtl": "1m", "tokenMaxTtl": "1m"}}"#;
    assert!(Desired::parse(least).unwrap().secrets.is_empty(), "JSON is read too");
}

#[test]
fn misspelt_and_missing_keys_are_named_with_their_line() {
    let unknown = refused("defaultTtl", "defaultTTL");
    assert!(unknown.contains("defaultTTL"), "{unknown}");
    let line = refused("username: vaultadmin", "user: vaultadmin");
    assert!(line.contains("user") && line.contains("15"), "{line}");
    assert!(refused("kv: [secret]", "kvs: [secret]").contains("kvs"));
    assert!(refused("grace: 30s", "graze: 30s").contains("graze"));
    assert!(refused("overlap: {key: app}", "overlapping: {key: app}").contains("overlapping"));
    assert!(refused("audience: vault, ", "").contains("audience"));
}

#[test]
fn values_that_make_no_sense_are_refused_with_their_path() {
    for (from, to, path) in [
        ("kv: [secret]", "kv: [../sys]", "kv[0]"),
        ("path: secret/data/postgres\n", "path: secret/postgres\n", "secrets[0].path"),
        ("path: secret/data/postgres\n", "path: secret/data/../../sys\n", "secrets[0].path"),
        ("path: secret/data/postgres\n", "path: other/data/postgres\n", "secrets[0].path"),
        ("superuser: {length: 40}", "superuser: {length: 4}", "secrets[0].keys.superuser.length"),
        (":{{password}}@", ":hunter2@", "databases[0].connections[0].url"),
        ("defaultTtl: 1h", "defaultTtl: 1d", "databases[0].connections[0].roles[0].defaultTtl"),
        ("defaultTtl: 1h", "defaultTtl: 25h", "databases[0].connections[0].roles[0].defaultTtl"),
        ("name: demo-app", "name: demo/app", "databases[0].connections[0].roles[0].name"),
        ("role: operator", "role: ''", "operators[0].role"),
        ("tokenTtl: 1h", "tokenTtl: 0s", "kubernetes.tokenTtl"),
        ("superuser: {length: 40}", "superuser: {sameAs: nothing}", "secrets[0].keys.superuser.sameAs"),
        ("superuser: {length: 40}", "superuser: {}", "secrets[0].keys.superuser"),
        ("superuser: {length: 40}", "superuser: {length: 40, text: x}", "secrets[0].keys.superuser"),
        ("allowedDomains: [web.svc]", "allowedDomains: []", "pki.roles[0].allowedDomains"),
        ("maxTtl: 72h", "maxTtl: 87601h", "pki.roles[0].maxTtl"),
        ("path: secret/data/redis", "path: other/data/redis", "rotations[1].path"),
        ("settle: 5s", "settle: soon", "rotations[1].settle"),
        ("name: app", "name: superuser", "rotations: \"superuser\" is there twice"),
        ("key: b", "key: a", "rotations[2].twins.users"),
    ] {
        let error = refused(from, to);
        assert!(error.starts_with(path), "{path}: {error}");
    }
    assert!(
        !refused(":{{password}}@", ":hunter2@").contains("hunter2"),
        "a password put there by mistake is not repeated"
    );
}

#[test]
fn durations_are_hours_minutes_and_seconds() {
    assert_eq!(seconds("1h30m5s"), Some(5405));
    assert_eq!(seconds("90s"), Some(90));
    for wrong in ["", "1", "h", "1d", "1.5s", "-1s", "99999999999999999999s"] {
        assert_eq!(seconds(wrong), None, "{wrong}");
    }
}
