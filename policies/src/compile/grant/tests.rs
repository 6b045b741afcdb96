use super::*;

fn options(kv2: &[&str], kv1: &[&str]) -> CompileOptions {
    let set = |mounts: &[&str]| mounts.iter().map(|mount| (*mount).to_owned()).collect();
    CompileOptions { kv2: set(kv2), kv1: set(kv1), ..CompileOptions::default() }
}

/// `path: capabilities`, one for each rule, then the paths whose leases may go.
fn takes(kind: AccessKind, path: &str) -> Result<Vec<String>, String> {
    let options = options(&["secret", "team/kv/"], &["old"]);
    let mut grants = Grants::default();
    grants.add(&Mounts::new(&options), kind, path, "here").map_err(|problem| problem.message)?;
    let words = |grant: &Grant| grant.capabilities.iter().map(|one| one.word()).collect::<Vec<_>>().join(",");
    let rules = grants.rules.iter().map(|(path, grant)| format!("{path}: {}", words(grant)));
    Ok(rules.chain(grants.leases.keys().map(|path| format!("leases of {path}"))).collect())
}

#[test]
fn reads() {
    let read = |path| takes(AccessKind::Read, path).unwrap();
    assert_eq!(read("secret/app"), ["secret/data/app: read", "secret/metadata/app: read"]);
    assert_eq!(read("secret/data/app"), ["secret/data/app: read", "secret/metadata/app: read"]);
    assert_eq!(read("secret/app?version=2"), ["secret/data/app: read"]);
    assert_eq!(read("secret/metadata/app"), ["secret/metadata/app: read"]);
    assert_eq!(read("secret/subkeys/app"), ["secret/subkeys/app: read"]);
    assert_eq!(read("team/kv/x/y"), ["team/kv/data/x/y: read", "team/kv/metadata/x/y: read"]);
    assert_eq!(read("secrets/app"), ["secrets/app: read", "leases of secrets/app"], "another mount");
    assert_eq!(
        read("other/data/app"),
        ["other/data/app: read", "other/metadata/app: read"],
        "the long form names a KV v2"
    );
    assert_eq!(read("old/data/app"), ["old/data/app: read"], "unless the mount is known to be KV v1");
    assert_eq!(read("database/creds/app"), ["database/creds/app: read", "leases of database/creds/app"]);
    assert_eq!(read("sys/health"), ["sys/health: read"]);
}

#[test]
fn lists_writes_and_certificates() {
    assert_eq!(takes(AccessKind::List, "secret/dir").unwrap(), ["secret/metadata/dir: list"]);
    assert_eq!(takes(AccessKind::List, "secret/metadata/dir").unwrap(), ["secret/metadata/dir: list"]);
    assert_eq!(takes(AccessKind::List, "secret").unwrap(), ["secret/metadata: list"]);
    assert_eq!(takes(AccessKind::List, "old/dir").unwrap(), ["old/dir: list"]);
    assert!(takes(AccessKind::List, "secret/data/dir").unwrap_err().contains("metadata/"));
    assert_eq!(takes(AccessKind::Write, "secret/app").unwrap(), ["secret/data/app: create,update"]);
    assert_eq!(takes(AccessKind::Write, "old/app").unwrap(), ["old/app: create,update"]);
    assert_eq!(
        takes(AccessKind::Write, "pki/issue/web").unwrap(),
        ["pki/issue/web: update", "leases of pki/issue/web"]
    );
    assert_eq!(takes(AccessKind::PkiCert, "pki/issue/web").unwrap(), ["pki/issue/web: update"]);
    assert_eq!(takes(AccessKind::File, "/etc/passwd").unwrap(), Vec::<String>::new());
}

#[test]
fn a_secrets_name_never_becomes_a_pattern() {
    for path in [
        "secret/app*",
        "secret/*",
        "*",
        "+/a",
        "secret/+/a",
        "secret/+a",
        "secret/a+*b",
        "secret/{{x}}",
        "",
        "a//b",
        "a/../b",
    ] {
        assert!(takes(AccessKind::Read, path).is_err(), "{path}");
    }
    for path in ["secret/a*b", "secret/a+b", "secret/${x}", "secret/a.b"] {
        assert!(takes(AccessKind::Read, path).is_ok(), "{path} is literal to the server");
    }
}

#[test]
fn the_same_path_twice_is_one_rule() {
    let options = options(&["secret"], &[]);
    let mut grants = Grants::default();
    for place in ["b", "a"] {
        grants.add(&Mounts::new(&options), AccessKind::Read, "secret/app", place).unwrap();
    }
    grants.add(&Mounts::new(&options), AccessKind::Write, "secret/app", "c").unwrap();
    let rule = &grants.rules["secret/data/app"];
    assert_eq!(rule.capabilities.len(), 3);
    assert_eq!(
        rule.because.iter().map(String::as_str).collect::<Vec<_>>(),
        ["a: secret", "b: secret", "c: secret with data"]
    );
}
