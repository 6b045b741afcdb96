use super::*;

fn pod(namespace: &str, account: &str, annotations: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (key, value) in annotations {
        lines.push_str(&format!("    {key}: {}\n", serde_json::to_string(value).unwrap()));
    }
    format!(
        "---\nkind: Pod\nmetadata:\n  name: p-{account}\n  namespace: {namespace}\n  annotations:\n    \
         vault.hashicorp.com/agent-inject: \"true\"\n{lines}spec:\n  serviceAccountName: {account}\n  \
         containers: [{{name: a, image: a}}]\n"
    )
}

fn run(text: String) -> Result<Compiled, CompileErrors> {
    compile(&[("m.yaml".to_owned(), text)], &CompileOptions::default())
}

#[track_caller]
fn errors(text: String) -> Vec<String> {
    run(text).unwrap_err().0.into_iter().map(|error| error.to_string()).collect()
}

const ROLE: &str = "vault.hashicorp.com/role";
const SECRET: &str = "vault.hashicorp.com/agent-inject-secret-a";
const TEMPLATE: &str = "vault.hashicorp.com/agent-inject-template-a";

#[test]
fn one_policy_and_one_role_for_a_service_account() {
    let compiled = run(pod("shop", "web", &[(ROLE, "web-role"), (SECRET, "secret/web")])).unwrap();
    assert_eq!(compiled.policies.keys().collect::<Vec<_>>(), ["web-policy"]);
    let role = &compiled.roles["web-role"];
    assert_eq!(role.bound_service_account_names, BTreeSet::from(["web".to_owned()]));
    assert_eq!(role.bound_service_account_namespaces, BTreeSet::from(["shop".to_owned()]));
    assert_eq!(role.token_policies, BTreeSet::from(["web-policy".to_owned()]));
    assert_eq!((role.token_ttl, role.token_max_ttl, role.auth_path.as_str()), (3600, 86400, "auth/kubernetes"));
    assert!(compiled.policies["web-policy"].contains("path \"secret/data/web\" {\n  capabilities = [\"read\"]\n}"));
}

#[test]
fn pods_of_one_account_are_put_together_and_order_does_not_matter() {
    let one = pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/b")]);
    let two = pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/a")]);
    let both = run(format!("{one}{two}")).unwrap();
    assert_eq!(both.policies["web-policy"].matches("path \"secret/data/").count(), 2);
    assert_eq!(both.policies, run(format!("{one}{two}")).unwrap().policies);
    let roles = pod("shop", "web", &[(ROLE, "other"), (SECRET, "secret/c")]);
    assert_eq!(run(format!("{one}{roles}")).unwrap().roles.len(), 2, "one account may have several roles");
}

#[test]
fn without_metadata_only_the_secret_is_granted() {
    let options = CompileOptions { metadata: false, ..CompileOptions::default() };
    let text = pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/web")]);
    let compiled = compile(&[("m".to_owned(), text)], &options).unwrap();
    assert!(!compiled.policies["web-policy"].contains("metadata"));
}

#[test]
fn a_path_that_is_not_static_names_its_line() {
    let template =
        "{{ with secret \"secret/a\" }}x{{ end }}\n  {{ with secret (printf \"secret/%s\" (env \"X\")) }}y{{ end }}";
    let found = errors(pod("shop", "web", &[(ROLE, "web"), (SECRET, "x"), (TEMPLATE, template)]));
    assert_eq!(found.len(), 1);
    let expected = format!("m.yaml, document 1, Pod shop/p-web: annotation {TEMPLATE}, line 2, column ");
    assert!(found[0].starts_with(&expected), "{}", found[0]);
    assert!(found[0].contains("known only when the template runs"), "{}", found[0]);
}

#[test]
fn a_template_that_does_not_compile_names_its_line() {
    let found = errors(pod("shop", "web", &[(ROLE, "web"), (SECRET, "x"), (TEMPLATE, "\n{{ if }}")]));
    assert!(found[0].contains("line 2"), "{found:?}");
}

#[test]
fn a_path_that_would_become_a_pattern_is_refused() {
    let found = errors(pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/app*")]));
    assert!(found[0].contains("takes for a prefix"), "{found:?}");
}

#[test]
fn a_role_belongs_to_one_account() {
    let one = pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/b")]);
    let found = errors(format!("{one}{}", pod("shop", "api", &[(ROLE, "web"), (SECRET, "secret/a")])));
    assert!(found[0].contains("role web is asked for by service account shop/api, and by shop/web"), "{found:?}");
    let found = errors(format!("{one}{}", pod("test", "web", &[(ROLE, "Web"), (SECRET, "secret/a")])));
    assert!(found[0].contains("test/web"), "the server stores names in lower case: {found:?}");
    let found = errors(format!("{one}{}", pod("shop", "x", &[(ROLE, "web-role"), (SECRET, "secret/a")])));
    assert!(found[0].contains("roles web and web-role would share the policy web-policy"), "{found:?}");
    let mount =
        pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/a"), ("vault.hashicorp.com/auth-path", "auth/two")]);
    assert!(errors(format!("{one}{mount}"))[0].contains("auth/two"));
}

#[test]
fn names_that_the_server_has_no_path_for() {
    for name in ["a b", "a/b", "-a", "ü"] {
        let found = errors(pod("shop", "web", &[(ROLE, name), (SECRET, "secret/b")]));
        assert!(found[0].contains("cannot name a role"), "{name}: {found:?}");
    }
    assert!(is_role_name("a.b_c-d") && is_role_name("a"));
}

#[test]
fn every_error_is_reported() {
    let text = format!(
        "{}{}---\n[1]\n",
        pod("shop", "web", &[(ROLE, "a b"), (SECRET, "secret/b")]),
        pod("shop", "api", &[(ROLE, "api"), (SECRET, "secret/+/x")])
    );
    assert_eq!(errors(text).len(), 3);
}

#[test]
fn other_namespaces_of_the_server_are_not_compiled_in_silence() {
    let found =
        errors(pod("shop", "web", &[(ROLE, "web"), (SECRET, "secret/b"), ("vault.hashicorp.com/namespace", "team")]));
    assert!(found[0].contains("namespace \"team\""), "{found:?}");
}

#[test]
fn what_is_compiled_has_no_findings() {
    let text = include_str!("../../tests/golden/shop.yaml").to_owned();
    let compiled = run(text).unwrap();
    assert_eq!(compiled.policies.len(), 2);
    for text in compiled.policies.values() {
        let mut options = crate::lint::LintOptions::default();
        options.kv2.insert("secret".to_owned());
        assert_eq!(crate::lint::lint(text, &options), [], "{text}");
    }
}

proptest::proptest! {
    /// Whatever a secret is called: no rule of the compiled policy is a pattern, and it reads back as it was meant.
    #[test]
    fn a_secret_s_name_grants_that_name(name in "[a-z${}\"\\\\*+ .é/-]{1,12}") {
        let path = format!("secret/data/{name}");
        if let Ok(compiled) = run(pod("shop", "web", &[(ROLE, "web"), (TEMPLATE, &format!("{{{{ secret {path:?} }}}}")), (SECRET, "x")])) {
            let policy = crate::policy::parse(&compiled.policies["web-policy"], 0).unwrap();
            for rule in policy.rules {
                proptest::prop_assert!(!rule.path.ends_with('*') && !rule.path.contains("/+"));
                let meant = name.trim_matches([' ', '/']);
                proptest::prop_assert!(rule.path.trim_end_matches([' ', '/']).ends_with(meant), "{:?} of {:?}", rule.path, name);
            }
        }
    }
}

#[test]
fn names_that_would_bind_a_role_to_everybody_or_write_a_rule_are_refused() {
    for account in ["*", "app*", "a\\npath \\\"secret/*\\\" { capabilities = [\\\"read\\\"] }\\n#"] {
        let manifest = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: shop, annotations: {{\
             vault.hashicorp.com/agent-inject: 'true', vault.hashicorp.com/role: app, \
             vault.hashicorp.com/agent-inject-secret-a: secret/data/a}}}}, \
             spec: {{serviceAccountName: \"{account}\", containers: [{{name: a}}]}}}}"
        );
        let errors = compile(&[("pod.yaml".to_owned(), manifest)], &CompileOptions::default()).unwrap_err();
        assert!(errors.to_string().contains("is no service account"), "{errors}");
    }
}
