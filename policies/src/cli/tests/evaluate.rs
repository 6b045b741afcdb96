use super::*;

fn written(directory: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn eval_answers_as_the_server_does() {
    let directory = tempfile::tempdir().unwrap();
    let one = written(&directory, "one.hcl", "path \"kv/*\" { capabilities = [\"read\", \"list\"] }");
    let two = written(&directory, "two.hcl", "path \"kv/app/*\" { capabilities = [\"update\"] }");
    let answer = ran(&["eval", "--policy", &one, "--policy", &two, "--", "kv/a", "kv/app/", "x"], "");
    assert_eq!(answer.exit, Exit::Success, "{}", answer.errors);
    assert_eq!(answer.output, "{\"kv/a\":[\"list\",\"read\"],\"kv/app/\":[\"update\"],\"x\":[\"deny\"]}\n");
    let vault = ran(&["eval", "--dialect", "vault", "--policy", &one, &two, "--", "kv/app/"], "");
    assert_eq!(vault.output, "{\"kv/app/\":[\"list\",\"read\"]}\n");
    let standard = ran(&["eval", "--with-default", "--policy", &one, "--", "auth/token/renew-self"], "");
    assert_eq!(standard.output, "{\"auth/token/renew-self\":[\"update\"]}\n");
    let inside = ran(&["eval", "--policy-namespace", "ns", "--namespace", "/ns/", "--policy", &one, "--", "kv/a"], "");
    assert_eq!(inside.output, "{\"kv/a\":[\"list\",\"read\"]}\n");
}

#[test]
fn eval_refuses_what_the_server_refuses() {
    let broken = ran(&["eval", "--policy", "-", "--", "a"], "path \"a\" {");
    assert_eq!((broken.exit, broken.output.as_str()), (Exit::Findings, ""));
    assert!(broken.errors.contains("standard input:1:12: VP001"), "{}", broken.errors);
    let foreign = "path \"a\" { capabilities = [\"read\", \"scan\"] }";
    let answer = ran(&["eval", "--dialect", "vault", "--policy", "-", "--", "a"], foreign);
    assert_eq!((answer.exit, answer.output.as_str()), (Exit::Findings, "{\"a\":[\"read\",\"scan\"]}\n"));
    assert!(answer.errors.contains("only OpenBao knows"), "{}", answer.errors);
    assert_eq!(ran(&["eval", "--policy", "-"], "").exit, Exit::Usage, "no path");
    let missing = ran(&["eval", "--policy", "-", "--", "a"], "");
    assert_eq!(missing.output, "{\"a\":[\"deny\"]}\n", "a policy that is not there gives nothing");
}

#[test]
fn an_identity_fills_templates() {
    let directory = tempfile::tempdir().unwrap();
    let policy = "path \"kv/{{identity.entity.name}}\" { capabilities = [\"read\"] }";
    let identity = written(&directory, "id.json", "{\"entity\":{\"id\":\"1\",\"name\":\"ann\"}}");
    let answer = ran(&["eval", "--identity", &identity, "--policy", "-", "--", "kv/ann"], policy);
    assert_eq!(answer.output, "{\"kv/ann\":[\"read\"]}\n");
    let wide = written(&directory, "wide.json", "{\"entity\":{\"id\":\"1\",\"name\":\"a/b\"}}");
    let refused = ran(&["eval", "--identity", &wide, "--policy", "-", "--", "kv/ann"], policy);
    assert_eq!(refused.exit, Exit::Findings);
    assert!(refused.errors.contains("forbidden value: \"/\""), "{}", refused.errors);
    let slip = written(&directory, "slip.json", "{\"entitty\":{}}");
    assert_eq!(ran(&["eval", "--identity", &slip, "--policy", "-", "--", "a"], policy).exit, Exit::Usage);
}

#[test]
fn a_request_is_decided_with_its_reason() {
    let policy = "path \"kv/*\" {\n  capabilities = [\"update\"]\n  allowed_parameters = { ttl = [\"1h\"] }\n}";
    let ask = |extra: &[&str]| {
        ran(&[&["request", "--policy", "-", "--op", "update", "--path", "kv/a"], extra].concat(), policy)
    };
    let answer: serde_json::Value = serde_json::from_str(&ask(&["--data", "{\"ttl\":\"2h\"}"]).output).unwrap();
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["reason"], "allowed_parameters does not list this value of \"ttl\"");
    assert_eq!(answer["rule"]["places"][0], "standard input:1:6");
    assert!(ask(&["--data", "{\"ttl\":\"1h\"}", "--wrap-ttl", "60"]).output.starts_with("{\"allowed\":true,"));
    assert_eq!(ask(&["--data", "[1]"]).exit, Exit::Usage);
    assert_eq!(ask(&["--data", "{"]).exit, Exit::Usage);
    assert_eq!(ask(&["--wrap-ttl", "soon"]).exit, Exit::Usage);
}

#[test]
fn parse_tells_the_verdict_and_the_servers_words() {
    let good = ran(&["parse", "--format", "json", "-"], "path \"a\" {}");
    assert_eq!(good.exit, Exit::Success);
    assert_eq!(good.output, "{\"diagnostics\":[],\"ok\":true,\"server_message\":null}\n");
    let text = "path \"a\" { capabilities = [\"write\"] }";
    let bad = ran(&["parse", "--format", "json", "-"], text);
    assert_eq!(bad.exit, Exit::Findings);
    let bad: serde_json::Value = serde_json::from_str(&bad.output).unwrap();
    assert_eq!(bad["server_message"], "failed to parse policy: path \"a\": path \"a\": invalid capability \"write\"");
    assert_eq!(bad["diagnostics"][0]["column"], 28);
    let vault = ran(&["parse", "--dialect", "vault", "-"], text);
    assert!(vault.output.ends_with("says: failed to parse policy: path \"a\": invalid capability \"write\"\n"));
    let twice = ran(&["parse", "--dialect", "vault", "-"], "path \"a\" { policy = \"read\"\npolicy = \"write\" }");
    assert!(twice.output.contains("The argument \"policy\" at 2:1 was already set."), "{}", twice.output);
}
