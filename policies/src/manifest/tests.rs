use super::*;

fn pods(text: &str) -> Vec<(String, String, String)> {
    let (workloads, unreadable) = read("x.yaml", text, "fallback");
    assert_eq!(unreadable, []);
    workloads.into_iter().map(|one| (one.origin.to_string(), one.namespace, one.service_account)).collect()
}

#[test]
fn every_kind_with_a_pod_template() {
    let spec = "{containers: [{name: a}], serviceAccountName: sa}";
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout"] {
        let text = format!("kind: {kind}\nmetadata: {{name: n, namespace: s}}\nspec: {{template: {{spec: {spec}}}}}\n");
        assert_eq!(pods(&text), [(format!("x.yaml, document 1, {kind} s/n"), "s".to_owned(), "sa".to_owned())]);
    }
    let cron = format!(
        "kind: CronJob\nmetadata: {{name: n}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {spec}}}}}}}}}"
    );
    assert_eq!(pods(&cron)[0].1, "fallback");
    let pod = "kind: Pod\nmetadata: {name: n}\nspec: {containers: [{name: a}]}";
    assert_eq!(pods(pod)[0].2, "default");
    assert_eq!(pods("kind: Service\nmetadata: {name: n}\nspec: {ports: []}"), []);
    assert_eq!(pods("kind: Certificate\nmetadata: {name: n}\nspec: {template: {spec: {}}}"), []);
}

#[test]
fn streams_lists_and_chart_sources() {
    let text = "# a comment\n---\n# Source: c/templates/a.yaml\nkind: List\nitems:\n- kind: Pod\n  metadata: {name: p}\n  \
                spec: {containers: [{name: a}]}\n---\n---   # empty\n\n--- \nkind: Pod\nmetadata: {name: q}\n\
                spec: {containers: [{name: a}]}\n";
    let places: Vec<_> = pods(text).into_iter().map(|(place, ..)| place).collect();
    assert_eq!(
        places,
        ["x.yaml (c/templates/a.yaml), document 1, Pod fallback/p", "x.yaml, document 2, Pod fallback/q"]
    );
}

#[test]
fn a_marker_inside_a_block_scalar_is_text() {
    let text = "kind: ConfigMap\ndata:\n  x: |\n    ---\n    y\n---\nkind: Pod\nmetadata: {name: q}\nspec: {containers: [{name: a}]}";
    assert_eq!(pods(text)[0].0, "x.yaml, document 2, Pod fallback/q");
}

#[test]
fn what_cannot_be_read_is_named() {
    let (_, unreadable) = read("x.yaml", "kind: Pod\n---\na: b\n c: [\n", "d");
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].origin.document, 2);
    assert!(
        unreadable[0].message.starts_with("line 4 of the file") || unreadable[0].message.starts_with("line 5"),
        "{unreadable:?}"
    );
    let pod = "kind: Pod\nmetadata: {name: q, annotations: {a: true}}\nspec: {containers: [{name: a}]}";
    let (_, unreadable) = read("x.yaml", pod, "d");
    assert!(unreadable[0].message.contains("annotation a is no string"));
    let (_, unreadable) = read("x.yaml", "[1]", "d");
    assert_eq!(unreadable[0].message, "a manifest is a mapping");
}

#[test]
fn lists_nest_so_deep_and_no_deeper() {
    let mut text = "{kind: Pod, metadata: {name: q}, spec: {containers: [{name: a}]}}".to_owned();
    for _ in 0..9 {
        text = format!("{{kind: List, items: [{text}]}}");
    }
    let (workloads, unreadable) = read("x.yaml", &text, "d");
    assert!(workloads.is_empty());
    assert!(unreadable[0].message.contains("nest deeper"));
}

proptest::proptest! {
    #[test]
    fn never_a_panic(text in "(kind|: |Pod|List|items|spec|template|\n|---|- |\\{|\\}|\\[|\\]|,|&a|\\*a|\"|'| ){0,40}") {
        let (workloads, _) = read("x", &text, "d");
        proptest::prop_assert!(workloads.len() <= text.len());
    }
}
