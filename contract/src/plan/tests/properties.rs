//! What holds for every pod.

use proptest::prelude::*;

use super::*;
use crate::annotations::{PREFIXES, entries};

proptest! {
    #[test]
    fn no_json_is_a_panic_and_the_answer_is_a_function(pod in json_value()) {
        let first = outcome(&pod);
        prop_assert_eq!(format!("{first:?}"), format!("{:?}", outcome(&pod)));
    }

    #[test]
    fn no_annotations_are_a_panic_and_the_answer_is_a_function(pod in annotated(), shape in json_value()) {
        let first = outcome(&pod);
        prop_assert_eq!(format!("{first:?}"), format!("{:?}", outcome(&pod)));
        let mut odd = pod.clone();
        odd["spec"]["initContainers"] = shape.clone();
        odd["spec"]["securityContext"] = shape.clone();
        odd["spec"]["containers"][0]["volumeMounts"] = shape.clone();
        odd["spec"]["volumes"] = json!([shape]);
        let _ = outcome(&odd);
    }

    #[test]
    fn what_is_planned_is_valid(pod in annotated()) {
        let Ok(Outcome { decision: Decision::Inject(plan), .. }) = outcome(&pod) else { return Ok(()) };
        let names: Vec<&str> = plan.volumes.iter().map(|volume| &*volume.name).collect();
        let paths: Vec<&str> = plan.mounts.iter().map(|mount| &*mount.mount_path).collect();
        for mut values in [names, paths] {
            let count = values.len();
            values.sort_unstable();
            values.dedup();
            prop_assert_eq!(values.len(), count, "one is there twice");
        }
        for template in &plan.config.templates {
            let inside = plan.mounts.iter().any(|mount| {
                template.destination.strip_prefix(&*mount.mount_path).is_some_and(|rest| rest.starts_with('/'))
            });
            prop_assert!(inside && !template.destination.contains("/.."), "{}", template.destination);
        }
    }
}

/// Any JSON, with the names that a pod has more often than chance would give.
fn json_value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "metadata",
        "annotations",
        "spec",
        "containers",
        "initContainers",
        "volumes",
        "name",
        "volumeMounts",
        "mountPath",
        "securityContext",
        "runAsUser",
        "schedulingGates",
        "status",
        "phase",
        "blinkchamber.io/agent-inject",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["true", "vault-agent", "app", "/vault/secrets", "", "..", "\u{0}é"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let key = names.clone().prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A pod that asks for injection with any mixture of annotations, accepted values among them.
fn annotated() -> impl Strategy<Value = Value> {
    let names: Vec<String> =
        entries().filter(|entry| entry.name != "agent-inject").map(crate::annotations::Entry::pattern).collect();
    let member = prop::sample::select(vec!["db", "Db", "a.b", "..", "-", "é"]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "",
            "true",
            "false",
            "5",
            "10m",
            "/x",
            "/x/",
            "a/b",
            "..",
            "app",
            "json",
            "64Mi",
            "0440",
            "[]",
            "signal:HUP:x",
            "http:GET:http://x",
            "command:/bin/x a, b",
            "0.5",
            "approle",
            "127.0.0.1:80",
            "secret/data/x",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let annotation = (prop::sample::select(PREFIXES.to_vec()), prop::sample::select(names), member, value)
        .prop_map(|(prefix, name, member, value)| (format!("{prefix}{}", name.replace("<name>", member)), value));
    prop::collection::vec(annotation, 0..8).prop_map(|annotations| {
        let mut pod = pod(&[]);
        for (key, value) in annotations {
            pod["metadata"]["annotations"][key] = value.into();
        }
        pod
    })
}
