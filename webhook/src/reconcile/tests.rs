use super::*;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

fn pod() -> Value {
    json!({
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "5",
            "creationTimestamp": "2026-11-24T11:59:50Z",
            "annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "app"},
            "ownerReferences": [{"kind": "Node", "uid": "o-0"}, {"kind": "ReplicaSet", "uid": "o-1", "controller": true}],
        },
        "spec": {"schedulingGates": [{"name": GATE}], "containers": [{"name": "app"}]},
        "status": {"phase": "Pending"},
    })
}

fn judged(pod: &Value) -> Result<String, String> {
    let waiting = Waiting::read(pod, now()).unwrap();
    match judge(&waiting, pod, &Defaults::new("agent:1", "http://vault:8200")) {
        Verdict::Remake(owner) => Ok(owner.to_owned()),
        Verdict::Stuck(reason) => Err(reason),
    }
}

#[test]
fn only_pods_at_our_gate_that_have_settled_and_are_not_leaving_are_looked_at() {
    assert!(is_gated(&pod()));
    assert!(Waiting::read(&pod(), now()).is_some());
    for gates in [json!(null), json!([]), json!([{"name": "example.com/other"}])] {
        let mut other = pod();
        other["spec"]["schedulingGates"] = gates;
        assert!(!is_gated(&other));
    }
    let changed = |key: &str, value: Value| {
        let mut other = pod();
        other["metadata"][key] = value;
        Waiting::read(&other, now()).is_some()
    };
    assert!(!changed("creationTimestamp", json!("2026-11-24T11:59:58Z")));
    assert!(!changed("deletionTimestamp", json!("2026-11-24T11:59:58Z")));
    assert!(!changed("uid", json!(null)));
}

#[test]
fn a_pod_is_made_again_only_when_that_helps() {
    assert_eq!(judged(&pod()), Ok("o-1".to_owned()));
    let mut bare = pod();
    bare["metadata"]["ownerReferences"] = json!([{"kind": "Node", "uid": "o-0"}]);
    assert!(judged(&bare).unwrap_err().contains("no controller would make it again"));
    let mut silent = pod();
    silent["metadata"]["annotations"] = json!({});
    assert!(judged(&silent).unwrap_err().contains(GATE));
    let mut wrong = pod();
    wrong["metadata"]["annotations"]["vault.hashicorp.com/agent-inject"] = json!("maybe");
    assert!(judged(&wrong).unwrap_err().starts_with("it would be refused: "));
}

#[test]
fn an_owner_whose_pods_keep_coming_back_gated_is_tried_ever_more_rarely() {
    let mut memory = Memory::default();
    assert!(memory.may_delete("o", now()) && memory.may_delete("o", now()), "all pods of one round");
    assert!(memory.may_delete("p", now()), "another owner");
    let deleted: Vec<i64> = (1..2000).filter(|second| memory.may_delete("o", at(*second))).collect();
    let waits: Vec<i64> = deleted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(deleted[0], FIRST_WAIT);
    assert_eq!(waits, [8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
    memory.forget(at(3000));
    assert!(memory.owners.is_empty());
    assert!(memory.first_time("u") && !memory.first_time("u"));
}

#[test]
fn an_event_names_the_pod_and_fits() {
    let pod = pod();
    let waiting = Waiting::read(&pod, now()).unwrap();
    let event = event(&pod, &waiting, "InjectionBlocked", &"ü".repeat(5000), "hook-1", now());
    assert_eq!(event["involvedObject"]["uid"], "u-1");
    assert_eq!(event["metadata"]["name"], "web-1.u-1.injectionblocked");
    assert_eq!((&event["type"], &event["firstTimestamp"]), (&json!("Warning"), &json!("2026-11-24T12:00:00Z")));
    assert!(event["message"].as_str().unwrap().len() <= 1024);
    assert_eq!(escape("a+b/c=~"), "a%2Bb%2Fc%3D~");
}
