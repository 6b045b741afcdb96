use serde_json::json;

use super::*;

/// Reads a review, and gives what `answer` makes of it.
fn read<T>(review: &Value, answer: impl FnOnce(&Review<'_>) -> T) -> Result<T, Malformed> {
    Review::read(review.to_string().as_bytes()).map(|review| answer(&review))
}

fn review(version: &str, request: &Value) -> Value {
    json!({"apiVersion": version, "kind": "AdmissionReview", "request": request})
}

#[test]
fn the_answer_has_the_version_and_the_uid_of_the_question() {
    for version in ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"] {
        let question = review(version, &json!({"uid": "u-1", "namespace": "ns", "object": {"spec": {}}}));
        let answer = read(&question, |review| review.allow(&[], &["careful".into()]).unwrap()).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let wanted = json!({"apiVersion": version, "kind": "AdmissionReview",
            "response": {"uid": "u-1", "allowed": true, "warnings": ["careful"]}});
        assert_eq!(answer, wanted);
    }
}

#[test]
fn a_patch_travels_as_base64() {
    let question = review("admission.k8s.io/v1", &json!({"uid": "u", "object": {}}));
    let ops = [Op::Remove { path: "/spec/x".into() }];
    let answer = read(&question, |review| review.allow(&ops, &[]).unwrap()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    let patch = STANDARD.decode(answer["response"]["patch"].as_str().unwrap()).unwrap();
    assert_eq!(patch, br#"[{"op":"remove","path":"/spec/x"}]"#);
}

#[test]
fn a_refusal_says_code_reason_and_message() {
    let question = review("admission.k8s.io/v1", &json!({"uid": "u", "object": {}}));
    let answer = read(&question, |review| review.refuse("no \"so\"").unwrap()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let status = json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": "no \"so\""});
    assert_eq!(answer["response"], json!({"uid": "u", "allowed": false, "status": status}));
}

#[test]
fn only_pods_that_are_being_made_are_decided_about() {
    let decided = |request: Value| {
        let mut request = request;
        request["uid"] = json!("u");
        read(&review("admission.k8s.io/v1", &request), |review| review.pod.is_some()).unwrap()
    };
    assert!(decided(json!({"object": {"spec": {}}})));
    assert!(decided(json!({"object": {}, "operation": "CREATE", "kind": {"kind": "Pod"}, "subResource": ""})));
    assert!(decided(json!({"object": {}, "operation": null, "kind": null, "subResource": null, "dryRun": null})));
    assert!(!decided(json!({"object": {}, "operation": "UPDATE"})));
    assert!(!decided(json!({"object": {}, "kind": {"kind": "Deployment"}})));
    assert!(!decided(json!({"object": {}, "subResource": "ephemeralcontainers"})));
    assert!(!decided(json!({"object": null, "operation": "DELETE"})));
    assert!(!decided(json!({"object": [1]})));
    assert!(!decided(json!({})));
}

#[test]
fn what_is_no_review_is_told_why() {
    let said = |value: Value| read(&value, |_| ()).unwrap_err().to_string();
    assert!(Review::read(b"").unwrap_err().to_string().starts_with("the body is not an AdmissionReview in JSON: EOF"));
    assert!(Review::read(&[0xff, 0xfe]).is_err());
    assert!(Review::read("[".repeat(100_000).as_bytes()).is_err(), "depth is bounded");
    let no_request = "the review has no request with a uid: it is an answer, or empty";
    assert_eq!(said(json!({})), no_request);
    assert_eq!(said(json!({"request": null})), no_request);
    assert_eq!(said(json!({"request": {"uid": ""}})), no_request);
    let version = "apiVersion is \"v1\": expected admission.k8s.io/v1 or admission.k8s.io/v1beta1";
    assert_eq!(said(json!({"apiVersion": "v1", "request": {"uid": "u"}})), version);
    assert_eq!(said(json!({"kind": "Pod", "request": {"uid": "u"}})), "kind is \"Pod\": expected AdmissionReview");
}
