use super::*;
use crate::rules;

#[test]
fn everything_can_be_said() {
    let config = parse(
        "target: vault\nselect: [VP, ineffective-deny]\nextend-select: [VK117]\nignore: [VP805]\n\
         severity: {VP4: warning, VP401: error}\nfail-on: warning\nkv2: [secret]\nmounts: {pki_int: pki}\n\
         mounts-complete: true\nplaceholders: ['DEPLOY[A-Z]+']\nrequire-reasons: true\nowner-prefixes: [secret/]\n\
         database-connections: [app]\nlimits: {token-ttl: 1h, certificate-ttl: 30d}\nbaseline: b.json\n\
         paths:\n- path: admin/**\n  ignore: [VP4]\n  severity: {VP1: info}\n  owner-prefixes: []\n",
    )
    .unwrap();
    let options = config.options;
    assert_eq!(options.target, Target::Vault);
    assert_eq!(options.severity(rules::ROOT_WILDCARD, "a.hcl"), Severity::Error);
    assert_eq!(options.severity(rules::POLICY_WRITE, "a.hcl"), Severity::Warning);
    assert_eq!(options.severity(rules::SPACE_IN_PATH, "admin/a.hcl"), Severity::Info);
    assert!(!options.looks(rules::POLICY_WRITE, "admin/a.hcl") && options.looks(rules::POLICY_WRITE, "a.hcl"));
    assert_eq!((options.prefixes("a.hcl").len(), options.prefixes("admin/a.hcl").len()), (1, 0));
    assert_eq!((options.limits.token_ttl, options.limits.certificate_ttl), (3600, 30 * 86_400));
    assert_eq!((config.fail_on.as_deref(), config.baseline.as_deref()), (Some("warning"), Some("b.json")));
}

#[test]
fn nothing_is_a_configuration_too() {
    assert!(parse("\n").unwrap().options.selection.select.is_empty());
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("selekt: [VP]\n", "selekt"),
        ("select: [VX1]\n", "\"VX1\" is no rule"),
        ("severity: {VP1: bad}\n", "bad"),
        ("placeholders: ['(']\n", "placeholders"),
        ("limits: {token-ttl: soon}\n", "limits.token-ttl: \"soon\" is no duration"),
        ("a: [\n", "line "),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}
