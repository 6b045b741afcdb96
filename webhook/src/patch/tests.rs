use blinkchamber_contract::plan::{Decision, Defaults, Request, plan};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn defaults() -> Defaults {
    Defaults::new("agent:1", "http://vault:8200")
}

fn pod(extra: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "app",
            "vault.hashicorp.com/agent-inject-secret-db": "secret/data/db",
        }},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]},
    });
    merge(&mut pod, extra);
    pod
}

/// Puts `extra` over `base`, member by member.
fn merge(base: &mut Value, extra: &Value) {
    match (base, extra) {
        (Value::Object(base), Value::Object(extra)) => {
            for (key, value) in extra {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, extra) => *base = extra.clone(),
    }
}

fn planned(pod: &Value) -> Plan {
    match plan(Request { namespace: "shop", pod }, &defaults()).unwrap().decision {
        Decision::Inject(plan) => *plan,
        Decision::Skip => panic!("not planned: {pod}"),
    }
}

fn wire(ops: &[Op<'_>]) -> Value {
    serde_json::from_slice(&write(ops).unwrap()).unwrap()
}

/// The patch on the wire, applied by somebody else's code.
fn applied(pod: &Value, plan: &Plan) -> Value {
    let ops = wire(&patch("", pod, plan));
    let parsed: json_patch::Patch = serde_json::from_value(ops.clone()).unwrap();
    let mut result = pod.clone();
    json_patch::patch(&mut result, &parsed).unwrap_or_else(|error| panic!("{error}: {ops} on {pod}"));
    result
}

/// Injects, and checks that asking again changes nothing.
fn injected(pod: &Value) -> Value {
    let plan = planned(pod);
    let once = applied(pod, &plan);
    assert_eq!(patch("", &once, &plan), [], "the same plan again");
    assert_eq!(patch("", &once, &planned(&once)), [], "planned again");
    once
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn lists_that_are_absent_null_or_empty_are_made() {
    for lists in [json!({}), json!(null), json!([])] {
        let extra = if lists == json!({}) {
            json!({})
        } else {
            json!({"spec": {"volumes": lists, "initContainers": lists, "schedulingGates": lists}})
        };
        let result = injected(&pod(&extra));
        assert_eq!(names(&result["spec"]["initContainers"]), ["vault-agent"]);
        assert!(names(&result["spec"]["volumes"]).contains(&"vault-secrets"));
        assert_eq!(result["spec"]["containers"][0]["volumeMounts"][0]["mountPath"], "/vault/secrets");
        assert_eq!(result["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-status"], "injected");
    }
}

#[test]
fn what_the_pod_has_stays_where_it_is() {
    let extra = json!({"spec": {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "initContainers": [{"name": "migrate", "image": "m", "future": [1]}],
        "containers": [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/data"}], "future": {"a": null}}],
        "future": {"kept": true},
    }});
    let result = injected(&pod(&extra));
    assert_eq!(names(&result["spec"]["initContainers"]), ["migrate", "vault-agent"]);
    assert_eq!(result["spec"]["initContainers"][0]["future"], json!([1]));
    assert_eq!(result["spec"]["containers"][0]["volumeMounts"][0]["name"], "data");
    assert_eq!(result["spec"]["containers"][0]["future"], json!({"a": null}));
    assert_eq!(result["spec"]["future"], json!({"kept": true}));
    assert_eq!(result["spec"]["volumes"][0]["name"], "data");
}

#[test]
fn init_first_comes_first_even_when_others_came_before_it_meanwhile() {
    let extra = json!({
        "metadata": {"annotations": {"vault.hashicorp.com/agent-init-first": "true"}},
        "spec": {"initContainers": [{"name": "migrate", "image": "m"}]},
    });
    let mut result = injected(&pod(&extra));
    assert_eq!(names(&result["spec"]["initContainers"]), ["vault-agent", "migrate"]);
    let list = result["spec"]["initContainers"].as_array_mut().unwrap();
    list.insert(0, json!({"name": "mesh-init", "image": "mesh"}));
    let again = injected(&result);
    assert_eq!(names(&again["spec"]["initContainers"]), ["vault-agent", "mesh-init", "migrate"]);
}

#[test]
fn a_container_that_came_meanwhile_gets_its_mounts() {
    let mut result = injected(&pod(&json!({})));
    let containers = result["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, json!({"name": "mesh", "image": "mesh:1"}));
    let again = injected(&result);
    assert_eq!(names(&again["spec"]["containers"]), ["mesh", "app"]);
    for container in again["spec"]["containers"].as_array().unwrap() {
        assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 1, "{container}");
    }
}

#[test]
fn what_the_server_or_others_filled_in_stays() {
    let mut result = injected(&pod(&json!({})));
    let agent = &mut result["spec"]["initContainers"][0];
    agent["terminationMessagePath"] = json!("/dev/termination-log");
    agent["image"] = json!("mirror.example.com/agent:1");
    let again = injected(&result);
    assert_eq!(again["spec"]["initContainers"][0]["image"], "mirror.example.com/agent:1");
    // Without our marks the same container is a stranger's, and is made ours.
    let plan = planned(&result);
    result["metadata"]["annotations"]["blinkchamber.io/injected"] = json!("0000");
    let ours = applied(&result, &plan);
    assert_eq!(ours["spec"]["initContainers"][0]["image"], "agent:1");
    assert_eq!(ours["spec"]["initContainers"].as_array().unwrap().len(), 1);
}

#[test]
fn only_our_gate_opens() {
    let gates = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
    let result = injected(&pod(&json!({"spec": {"schedulingGates": gates(&[GATE])}})));
    assert_eq!(result["spec"].get("schedulingGates"), None);
    let both = gates(&["example.com/quota", GATE, "example.com/other", GATE]);
    let result = injected(&pod(&json!({"spec": {"schedulingGates": both}})));
    assert_eq!(result["spec"]["schedulingGates"], gates(&["example.com/quota", "example.com/other"]));
}

#[test]
fn annotation_names_are_escaped_and_the_base_comes_first() {
    let pod = pod(&json!({}));
    let plan = planned(&pod);
    let ops = wire(&patch("/spec/template", &pod, &plan));
    let paths: Vec<_> = ops.as_array().unwrap().iter().map(|op| op["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"/spec/template/metadata/annotations/blinkchamber.io~1injected"), "{paths:?}");
    assert!(paths.iter().all(|path| path.starts_with("/spec/template/")));
}

#[test]
fn a_shared_process_namespace_is_set_when_the_plan_wants_it() {
    let pod = pod(&json!({"spec": {"shareProcessNamespace": null}}));
    let mut plan = planned(&pod);
    plan.share_process_namespace = Some(true);
    let result = applied(&pod, &plan);
    assert_eq!(result["spec"]["shareProcessNamespace"], true);
    assert_eq!(patch("", &result, &plan), []);
}

#[test]
fn parents_that_are_missing_are_made() {
    let plan = planned(&pod(&json!({})));
    for bare in [json!({}), json!({"metadata": null, "spec": null}), json!({"metadata": [], "spec": "x"})] {
        let result = applied(&bare, &plan);
        assert_eq!(names(&result["spec"]["initContainers"]), ["vault-agent"]);
        assert_eq!(patch("", &result, &plan), []);
    }
}

/// JSON of any shape, with the keys and strings that matter mixed in.
fn anything() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 14] = [
        "name",
        "app",
        "vault-agent",
        "vault-secrets",
        "volumeMounts",
        "mountPath",
        "/vault/secrets",
        "annotations",
        "containers",
        "blinkchamber.io/injection",
        "größe",
        "a/b~c",
        "\u{0}\u{1F512}",
        "",
    ];
    let word = prop_oneof![prop::sample::select(&WORDS[..]).prop_map(str::to_owned), ".{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A pod that asks for injection, with any part bent into anything.
fn bent() -> impl Strategy<Value = Value> {
    const PLACES: [&str; 10] = [
        "/spec/volumes",
        "/spec/initContainers",
        "/spec/containers",
        "/spec/containers/0",
        "/spec/containers/0/volumeMounts",
        "/spec/containers/1/name",
        "/spec/schedulingGates",
        "/spec/securityContext",
        "/metadata/labels",
        "/metadata/annotations/vault.hashicorp.com~1agent-inject-containers",
    ];
    let places = prop::collection::vec((prop::sample::select(&PLACES[..]), anything()), 0..4);
    places.prop_map(|places| {
        let mut pod = pod(&json!({
            "metadata": {"labels": {}, "annotations": {"vault.hashicorp.com/agent-inject-containers": "app,web"}},
            "spec": {
                "volumes": [{"name": "data"}], "initContainers": [{"name": "migrate"}], "securityContext": {},
                "containers": [{"name": "app", "volumeMounts": []}, {"name": "web"}],
                "schedulingGates": [{"name": "example.com/other"}, {"name": GATE}],
            },
        }));
        for (place, value) in places {
            if let Some(part) = pod.pointer_mut(place) {
                *part = value;
            }
        }
        pod
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is planned can be patched, and twice is once.
    #[test]
    fn bent_pods_are_refused_or_patched_once(pod in bent()) {
        if let Ok(outcome) = plan(Request { namespace: "shop", pod: &pod }, &defaults())
            && let Decision::Inject(first) = outcome.decision
        {
            let once = applied(&pod, &first);
            prop_assert_eq!(patch("", &once, &first), vec![]);
            let again = plan(Request { namespace: "shop", pod: &once }, &defaults()).unwrap();
            let Decision::Inject(second) = again.decision else { panic!("not planned again") };
            prop_assert_eq!(patch("", &once, &second), vec![]);
        }
    }

    /// Even a pod that no plan was made for takes a valid patch.
    #[test]
    fn any_object_takes_a_valid_patch(metadata in anything(), spec in anything()) {
        let plan = planned(&pod(&json!({})));
        let other = json!({"metadata": metadata, "spec": spec});
        let once = applied(&other, &plan);
        prop_assert_eq!(patch("", &once, &plan), vec![]);
    }
}
