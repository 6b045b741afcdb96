//! Rules that no recorded answer shows, each measured on OpenBao 2.7.2 or read in its source.

use serde_json::json;

use super::*;

#[track_caller]
fn reason(acl: &Acl, operation: Operation, path: &str, data: Value) -> Reason {
    acl.decide(&Request::new(operation, path).data(data).unwrap()).reason
}

#[test]
fn a_policy_of_a_namespace_ends_with_it() {
    let policy =
        parse("path \"secret/*\" { capabilities = [\"read\"] } path \"+\" { capabilities = [\"list\"] }", NOW).unwrap();
    let acl = Acl::new(Context::default(), &[Source { namespace: "ns1", ..Source::new("p", &policy) }]).unwrap();
    assert_eq!(acl.capabilities("ns1/secret/a"), ["read"]);
    assert_eq!(acl.capabilities("secret/a"), ["deny"]);
    assert_eq!(acl.capabilities("ns1/ns2/secret/a"), ["deny"]);
    assert_eq!(acl.capabilities("ns1/x"), ["list"], "a + directly behind the namespace is a wildcard");
}

#[test]
fn merging_keeps_the_stricter_condition() {
    let acl = acl(&[
        "path \"a\" { capabilities = [\"update\"] allowed_parameters = { x = [\"1\"], y = [\"1\"] } max_wrapping_ttl = \"1h\" pagination_limit = 9 }",
        "path \"a\" { capabilities = [\"list\"] allowed_parameters = { x = [\"2\"], y = [] } max_wrapping_ttl = \"30m\" pagination_limit = 5 required_parameters = [\"x\"] }",
        "path \"a\" { capabilities = [\"read\"] }",
    ]);
    let constraints = &acl.rules()[0].constraints;
    assert_eq!(constraints.allowed["x"], [Parameter::Text("1".to_owned()), Parameter::Text("2".to_owned())]);
    assert_eq!(constraints.allowed["y"], []);
    assert_eq!((constraints.max_wrapping_ttl, constraints.pagination_limit), (1800 * 1_000_000_000, 5));
    assert_eq!(constraints.required, ["x"]);
    assert_eq!(acl.capabilities("a"), ["list", "read", "update"]);
    assert_eq!(acl.rules()[0].origins.len(), 3);
}

#[test]
fn values_of_parameters() {
    let acl = acl(&["path \"kv/*\" { capabilities = [\"update\"] allowed_parameters = {
        list = [[\"x\", \"y\"]], star = [\"*\"], tail = [\"*z\"], head = [\"a*\"], inner = [\"*m*\"], Mixed = [\"v\"] } }"]);
    let allows = |data| reason(&acl, Operation::Update, "kv/a", data) == Reason::Granted;
    assert!(allows(json!({ "list": ["x", "y"] })) && !allows(json!({ "list": ["x"] })));
    assert!(allows(json!({ "star": "*" })) && !allows(json!({ "star": "y" })));
    assert!(allows(json!({ "tail": "yz" })) && !allows(json!({ "tail": "zy" })));
    assert!(allows(json!({ "head": "ab" })) && !allows(json!({ "head": "ba" })));
    assert!(allows(json!({ "inner": "xmx" })) && !allows(json!({ "inner": "x" })));
    assert!(allows(json!({ "MIXED": "v", "mixed": "v" })));
    assert_eq!(reason(&acl, Operation::Update, "kv/a", json!({ "no": 1 })), Reason::UnlistedParameter("no".to_owned()));
    let vault = acl_for(
        Dialect::Vault,
        &[
            "path \"kv/*\" { capabilities = [\"update\"] allowed_parameters = { p = [\"x\", \"y\"] policies = [\"a\"] } }",
        ],
    );
    let allows = |data| reason(&vault, Operation::Update, "kv/a", data) == Reason::Granted;
    assert!(allows(json!({ "p": ["x", "y"] })) && allows(json!({ "p": "x, y" })) && !allows(json!({ "p": "x,z" })));
    assert!(allows(json!({ "policies": "A" })), "Vault compares names of policies in lower case");
}

#[test]
fn queries_are_parameters_of_reads_and_lists() {
    let text = "path \"kv/*\" { capabilities = [\"read\", \"list\", \"update\"] allowed_parameters = { x = [\"1\"] } pagination_limit = 5 required_parameters = [\"Limit\"] }";
    let acl = acl(&[text]);
    let decide = |operation, path| acl.decide(&Request::new(operation, path)).reason;
    assert_eq!(decide(Operation::List, "kv/?limit=max"), Reason::Granted);
    assert_eq!(decide(Operation::Read, "kv/?list=true&limit=5"), Reason::Granted);
    assert_eq!(decide(Operation::List, "kv?limit=x"), Reason::PageLimit(5));
    assert_eq!(decide(Operation::List, "kv"), Reason::PageLimit(5), "a limit that is required must be given");
    assert_eq!(decide(Operation::Read, "kv/a?limit=1&x=1"), Reason::UnlistedParameter("limit".to_owned()));
    assert_eq!(decide(Operation::Update, "kv/a?limit=1"), Reason::MissingParameter("Limit".to_owned()));
    assert_eq!(decide(Operation::Read, "kv/a?help=1"), Reason::Help);
    let twice = super::acl(&["path \"kv/*\" { capabilities = [\"read\"] allowed_parameters = { x = [\"1\"] } }"]);
    assert_eq!(
        twice.decide(&Request::new(Operation::Read, "kv/a?x=1&x=1")).reason,
        Reason::UnlistedValue("x".to_owned()),
        "the same name twice is a list"
    );
}

#[test]
fn what_the_server_does_before_it_asks() {
    let acl = acl(&["path \"sys/*\" { capabilities = [\"deny\"] } path \"kv/*\" { capabilities = [\"read\"] }"]);
    let decide = |path| acl.decide(&Request::new(Operation::Read, path));
    assert_eq!(decide("kv/a/../../x/").reason, Reason::Redirect("x/".to_owned()));
    assert_eq!(decide("kv//a").reason, Reason::Redirect("kv/a".to_owned()));
    assert_eq!(decide("kv/%2e%2e/x").reason, Reason::Relative);
    assert!(decide("sys/health").allowed && decide("auth/k8s/login").allowed);
    assert!(!decide("sys/policies/acl/a").allowed);
    assert!(decide("/kv/%61").allowed, "escapes are undone, a leading slash is cut off");
}

#[test]
fn creating_is_updating_where_the_server_does_not_look() {
    let acl = acl(&["path \"*\" { capabilities = [\"create\"] }"]);
    let allowed = |path| acl.decide(&Request::new(Operation::Create, path)).allowed;
    assert!(!allowed("sys/policies/acl/x") && !allowed("pki/issue/web") && !allowed("auth/token/create"));
    assert!(allowed("auth/kubernetes/role/x") && allowed("auth/token/roles/x") && allowed("secret/data/x"));
    assert!(allowed("transit/encrypt/k") && !allowed("transit/decrypt/k"));
}

#[test]
fn mounts_are_told_about_when_anything_below_is_granted() {
    let reaches = |text: &str, mount: &str| acl(&[text]).reaches_mount(mount);
    assert!(reaches("path \"kv1/a/b\" { capabilities = [\"read\"] }", "kv1/"));
    assert!(reaches("path \"+/a\" { capabilities = [\"read\"] }", "kv1/"));
    assert!(!reaches("path \"x/+\" { capabilities = [\"read\"] }", "kv1/"));
    assert!(!reaches("path \"kv1/a\" { capabilities = [\"deny\"] }", "kv1/"));
    assert!(!reaches("path \"kv1/+\" { capabilities = [\"deny\"] }", "kv1/"));
    assert!(reaches("path \"kv1/*\" { capabilities = [\"deny\"] }", "kv1/"), "a lone glob that denies will do");
    assert!(!reaches(
        "path \"kv1/*\" { capabilities = [\"deny\"] } path \"x/+\" { capabilities = [\"read\"] }",
        "kv1/"
    ));
}

#[test]
fn the_time_can_stand_in_a_path() {
    let policy = parse(
        "path \"a/{{time.now}}/{{ time.now.plus.1h }}/{{time.now.minus.1d}}\" { capabilities = [\"read\"] }",
        NOW,
    );
    let policy = policy.unwrap();
    let acl = Acl::new(Context { now: 100_000, ..Context::default() }, &[Source::new("p", &policy)]).unwrap();
    assert_eq!(acl.capabilities("a/100000/103600/13600"), ["read"]);
}
