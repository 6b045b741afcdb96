use proptest::prelude::*;

use super::*;

fn run(text: &str, output: Output) -> (String, Report) {
    let defaults = Defaults::new("agent:1", "http://vault:8200");
    let mut out = Vec::new();
    let report = inject("test.yaml", text, "default", &defaults, output, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), report)
}

fn template() -> Value {
    json!({"metadata": {"annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "app"}},
        "spec": {"containers": [{"name": "app"}]}})
}

fn injected(pod: &Value) -> bool {
    pod["spec"]["initContainers"][0]["name"] == "vault-agent"
}

#[test]
fn every_kind_of_workload_is_injected_where_its_pod_is() {
    let kinds = [
        ("Pod", ""),
        ("Deployment", "/spec/template"),
        ("StatefulSet", "/spec/template"),
        ("DaemonSet", "/spec/template"),
        ("ReplicaSet", "/spec/template"),
        ("ReplicationController", "/spec/template"),
        ("Job", "/spec/template"),
        ("CronJob", "/spec/jobTemplate/spec/template"),
        ("PodTemplate", "/template"),
    ];
    for (kind, place) in kinds {
        let mut object =
            place.rsplit('/').filter(|part| !part.is_empty()).fold(template(), |inner, part| json!({part: inner}));
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!("x");
        let (out, report) = run(&object.to_string(), Output::Manifests);
        let result: Value = serde_saphyr::from_str(&out).unwrap();
        assert!(injected(result.pointer(place).unwrap()), "{kind}: {out}");
        assert_eq!(report, Report { injected: 1, ..Report::default() });
        let list = json!({"kind": "List", "items": [object]});
        assert_eq!(run(&list.to_string(), Output::Patches).1.injected, 1);
    }
}

#[test]
fn other_documents_pass_and_empty_ones_go() {
    let text = "# a comment\n---\nkind: ConfigMap\ndata: {a: 'yes', b: '007', c: \"0x1f\", d: '1e3', e: 'null', f: ''}\n---\n---\nkind: CronTab\nspec: {template: {}}\n";
    let (out, report) = run(text, Output::Manifests);
    let documents: Vec<&str> = out.split("---\n").collect();
    assert_eq!(documents.len(), 2);
    let data: Value = serde_saphyr::from_str(documents[0]).unwrap();
    assert_eq!(data["data"], json!({"a": "yes", "b": "007", "c": "0x1f", "d": "1e3", "e": "null", "f": ""}));
    assert_eq!(report, Report::default());
}

#[test]
fn patches_apply_to_the_document_they_name() {
    let mut object = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}});
    object["spec"]["template"] = template();
    let (out, _) = run(&object.to_string(), Output::Patches);
    let line: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(line["object"], "Deployment shop/web");
    let patch: json_patch::Patch = serde_json::from_value(line["patch"].clone()).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    assert!(injected(&object["spec"]["template"]));
}

#[test]
fn a_refused_manifest_is_told_and_passes_unchanged() {
    let mut object = template();
    object["kind"] = json!("Pod");
    object["metadata"]["annotations"]["vault.hashicorp.com/agent-inject"] = json!("maybe");
    let (out, report) = run(&object.to_string(), Output::Manifests);
    assert_eq!(serde_saphyr::from_str::<Value>(&out).unwrap(), object);
    assert!(report.refusals[0].starts_with("Pod default/(unnamed): "), "{report:?}");
}

#[test]
fn what_is_no_manifest_is_told_with_file_document_and_line() {
    let defaults = Defaults::new("agent:1", "http://vault:8200");
    let failed = |text: &str| {
        inject("test.yaml", text, "default", &defaults, Output::Manifests, &mut Vec::new()).unwrap_err().to_string()
    };
    let error = failed("kind: Pod\n---\nkind: [Pod\nspec: x\n");
    assert!(error.starts_with("test.yaml, document 2: "), "{error}");
    assert!(error.contains("line 4") || error.contains("line 3") || error.contains("line 5"), "{error}");
    assert!(failed("- a\n").contains("document 1: this is not a manifest"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever text a manifest holds comes out as it went in.
    #[test]
    fn text_survives(text in prop_oneof![".{0,200}", "[ -~\\n]{0,200}", "(yes|no|on|off|~|null|true|[0-9_.:xoeE+-]{1,8})"]) {
        let object = json!({"kind": "ConfigMap", "data": {"a": text}});
        let (out, _) = run(&object.to_string(), Output::Manifests);
        let result: Value = serde_saphyr::from_str(&out).unwrap();
        prop_assert_eq!(result, object, "{}", out);
    }
}
