use super::*;

const WIDE: &str = "path \"kv/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n";
const NARROW: &str =
    "path \"kv/app/*\" {\n  capabilities = [\"update\"]\n}\npath \"kv/+/+\" {\n  capabilities = [\"deny\"]\n}\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn at(directory: &tempfile::TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn explain_shows_who_wins_and_why_the_others_lose() {
    let files = folder(&[("a.hcl", WIDE), ("b.hcl", NARROW)]);
    let (a, b) = (at(&files, "a.hcl"), at(&files, "b.hcl"));
    let told = ran(&["explain", "--policy", &a, &b, "--op", "read", "--path", "kv/app/x"], "");
    assert_eq!(told.exit, Exit::Success, "{}", told.errors);
    assert_eq!(
        told.output,
        format!(
            "refused: read kv/app/x\n  the rule lacks read\n  wins  kv/app/* [update]\n        {b}:1:6\n  \
             loses kv/+/+ [deny]: its first wildcard comes earlier (rule 1)\n        {b}:4:6\n  \
             loses kv/* [list, read]: its first wildcard comes earlier (rule 1)\n        {a}:1:6\n"
        )
    );
    let json = ran(&["explain", "--format", "json", "--policy", &a, "--op", "list", "--path", "kv/app"], "");
    let json: serde_json::Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!((&json["allowed"], &json["rules"][0]["path"]), (&true.into(), &"kv/*".into()));
    assert_eq!(json["rules"][0]["loses_because"], serde_json::Value::Null);
    let nobody = ran(&["explain", "--policy", &a, "--op", "read", "--path", "x"], "");
    assert_eq!(nobody.output, "refused: read x\n  no rule matches\n");
}

#[test]
fn diff_names_a_path_for_each_change() {
    let files = folder(&[
        ("a.hcl", WIDE),
        (
            "b.hcl",
            "path \"kv/*\" { capabilities = [\"read\"] }\npath \"kv/app\" { capabilities = [\"read\", \"delete\"] }",
        ),
    ]);
    let (a, b) = (at(&files, "a.hcl"), at(&files, "b.hcl"));
    let same = ran(&["diff", &a, &a], "");
    assert_eq!((same.exit, same.output.as_str()), (Exit::Success, ""));
    let changed = ran(&["diff", &a, &b], "");
    assert_eq!(changed.exit, Exit::Findings);
    assert!(changed.output.contains("kv/app gains delete; loses list\n"), "{}", changed.output);
    assert!(changed.output.contains(&format!("  after:  kv/app [delete, read] {b}:2:6\n")), "{}", changed.output);
    let json = ran(&["diff", "--format", "json", &a, &b], "");
    let json: serde_json::Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!(json["complete"], true);
    assert!(json["changes"].as_array().unwrap().iter().any(|change| change["lost"] == serde_json::json!(["list"])));
    let limited = "path \"kv/*\" {\n  capabilities = [\"read\", \"list\"]\n  max_wrapping_ttl = \"1h\"\n}\n";
    let conditions = ran(&["diff", &a, "-"], limited);
    assert!(conditions.output.contains(" has other conditions\n"), "{}", conditions.output);
    let templates = ran(&["diff", &a, "-"], "path \"x/{{identity.entity.id}}\" { capabilities = [\"read\"] }");
    assert!(templates.output.contains("x/{{identity.entity.id}} gains read\n"), "{}", templates.output);
}

#[test]
fn who_can_looks_at_policies_roles_and_manifests() {
    let role = "{\"bound_service_account_names\": [\"web\"], \"bound_service_account_namespaces\": \"shop\", \"token_policies\": \"A, gone\"}";
    let bare = "{\"token_policies\": [\"b\"], \"token_no_default_policy\": true}";
    let files = folder(&[
        ("a.hcl", WIDE),
        ("b.hcl", NARROW),
        ("roles/web.json", role),
        ("roles/bare.json", bare),
        ("index.json", "{\"files\": []}"),
    ]);
    let all = files.path().to_str().unwrap();
    let told = ran(&["who-can", "read", "kv/x", all], "");
    let a = at(&files, "a.hcl");
    assert_eq!(
        told.output,
        format!("policy a: kv/* {a}:1:6\nrole web (shop/web): kv/* {a}:1:6\n2 of 4 policies and roles\n")
    );
    assert_eq!(told.errors, "note: role web gives policy gone, which is not here\n");
    let standard = ran(&["who-can", "update", "auth/token/renew-self", all], "");
    assert_eq!(standard.output, "role web (shop/web): auth/token/renew-self default\n1 of 4 policies and roles\n");
    let json = ran(&["who-can", "--format", "json", "update", "kv/app/x", all], "");
    let json: serde_json::Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!(
        (&json["can"][0]["name"], &json["can"][1]["name"], &json["asked"]),
        (&"b".into(), &"bare".into(), &4.into())
    );
    let manifests = folder(&[("shop.yaml", MANIFESTS)]);
    let compiled = ran(&["who-can", "read", "secret/data/shop/common", manifests.path().to_str().unwrap()], "");
    assert!(
        compiled.output.contains("role web (shop/web): secret/data/shop/common compiled web-policy:"),
        "{}",
        compiled.output
    );
    let stream = ran(&["compile"], MANIFESTS).output;
    let piped = ran(&["who-can", "read", "secret/data/shop/common", "-"], &stream);
    assert!(piped.output.ends_with("2 of 4 policies and roles\n"), "{}", piped.output);
    let broken = folder(&[("a.hcl", "path {")]);
    assert_eq!(ran(&["who-can", "read", "x", broken.path().to_str().unwrap()], "").exit, Exit::Findings);
}
