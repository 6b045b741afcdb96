use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn defaults() -> Defaults {
    Defaults::new("agent:1", "http://vault:8200")
}

/// The members of an object in the order given.
fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

/// A review with its fields in any order and fields that nobody knows.
fn review() -> impl Strategy<Value = String> {
    let shuffled =
        |members: &[&str]| Just(members.iter().map(|member| (*member).to_owned()).collect::<Vec<_>>()).prop_shuffle();
    let annotations = shuffled(&[
        r#""vault.hashicorp.com/agent-inject":"true""#,
        r#""vault.hashicorp.com/role":"app""#,
        r#""vault.hashicorp.com/agent-inject-secret-db":"secret/data/db""#,
        r#""example.com/größe":"\ud83d\udd12""#,
    ]);
    let spec = shuffled(&[
        r#""containers":[{"volumeMounts":null,"brandNew":{"a":[null]},"name":"app"}]"#,
        r#""volumes":null"#,
        r#""initContainers":null"#,
        r#""schedulingGates":[{"name":"blinkchamber.io/injection"}]"#,
        r#""futureField":[{"x":1e9},null,[]]"#,
    ]);
    let request = shuffled(&[
        r#""uid":"u-1""#,
        r#""operation":"CREATE""#,
        r#""namespace":"shop""#,
        r#""oldObject":null"#,
        r#""userInfo":{"groups":["a"],"extra":{"k":["v"]}}"#,
    ]);
    (annotations, spec, request, any::<bool>()).prop_map(|(annotations, spec, mut request, late)| {
        let metadata = format!(r#""metadata":{{"labels":null,"annotations":{}}}"#, object(&annotations));
        let pod = object(&[metadata, format!(r#""spec":{}"#, object(&spec))]);
        let at = if late { request.len() } else { 0 };
        request.insert(at, format!(r#""object":{pod}"#));
        let outer = [format!(r#""request":{}"#, object(&request)), r#""apiVersion":"admission.k8s.io/v1""#.to_owned()];
        object(&outer)
    })
}

/// The one thing that every answer to a readable question must be.
fn check(answer: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    assert!(answer["response"]["uid"].is_string() && answer["response"]["allowed"].is_boolean(), "{answer}");
    answer
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The order of fields does not matter, and what nobody knows does not disturb.
    #[test]
    fn any_order_gives_the_same_answer(one in review(), other in review()) {
        let verdict = mutate(one.as_bytes(), &defaults()).unwrap();
        prop_assert_eq!(&verdict.outcome, &Outcome::Injected);
        prop_assert_eq!(&verdict.answer, &mutate(other.as_bytes(), &defaults()).unwrap().answer);
        let patch = STANDARD.decode(check(&verdict.answer)["response"]["patch"].as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        let mut pod = serde_json::from_str::<Value>(&one).unwrap()["request"]["object"].take();
        json_patch::patch(&mut pod, &patch).unwrap();
        prop_assert_eq!(&pod["spec"]["futureField"], &serde_json::json!([{"x": 1e9}, null, []]));
        prop_assert_eq!(pod["spec"].get("schedulingGates"), None);
    }

    /// Damaged bytes are an error or an answer, never a panic.
    #[test]
    fn damage_does_no_harm(review in review(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in any::<Option<prop::sample::Index>>()) {
        let mut bytes = review.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(verdict) = mutate(&bytes, &defaults()) {
            check(&verdict.answer);
        }
    }
}
