use axum::body::to_bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http_body_util::channel::Channel;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

fn admission() -> Arc<Admission> {
    Arc::new(Admission {
        defaults: Defaults::new("agent:1", "http://vault:8200"),
        metrics: Arc::new(Metrics::new()),
        closing: Arc::default(),
    })
}

async fn send(
    admission: &Arc<Admission>,
    request: http::request::Builder,
    body: impl Into<Body>,
) -> (u16, HeaderMap, String) {
    let request = request.uri("/mutate").body(body.into()).unwrap();
    let response = router(Arc::clone(admission)).oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

fn post_json() -> http::request::Builder {
    Request::builder().method(Method::POST).header(CONTENT_TYPE, "application/json")
}

fn review(pod: &Value, dry_run: bool) -> String {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request":
        {"uid": "u", "operation": "CREATE", "namespace": "shop", "dryRun": dry_run, "object": pod}})
    .to_string()
}

fn asking() -> Value {
    json!({"metadata": {"annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "app"}},
        "spec": {"containers": [{"name": "app"}]}})
}

#[tokio::test]
async fn a_pod_that_asks_is_patched_and_a_dry_run_gets_the_same() {
    let admission = admission();
    let (status, headers, real) = send(&admission, post_json(), review(&asking(), false)).await;
    assert_eq!((status, headers.get(CONTENT_TYPE).unwrap().as_bytes()), (200, &b"application/json"[..]));
    let (_, _, dry) = send(&admission, post_json(), review(&asking(), true)).await;
    assert_eq!(real, dry);
    let answer: Value = serde_json::from_str(&real).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    let metrics = admission.metrics.text().unwrap();
    assert!(metrics.contains("blinkchamber_webhook_injections_total{namespace=\"shop\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_pod_that_was_injected_a_moment_ago_is_left_as_it_is() {
    let admission = admission();
    let (_, _, first) = send(&admission, post_json(), review(&asking(), false)).await;
    let first: Value = serde_json::from_str(&first).unwrap();
    let patch = STANDARD.decode(first["response"]["patch"].as_str().unwrap()).unwrap();
    let mut pod = asking();
    json_patch::patch(&mut pod, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap()).unwrap();
    let (_, _, second) = send(&admission, post_json(), review(&pod, false)).await;
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(second["response"], json!({"uid": "u", "allowed": true}));
    let metrics = admission.metrics.text().unwrap();
    assert!(metrics.contains("requests_total{outcome=\"unchanged\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_pod_that_does_not_ask_is_let_through_and_a_bad_one_is_refused_with_200() {
    let admission = admission();
    let (status, _, body) = send(&admission, post_json(), review(&json!({"spec": {}}), false)).await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["response"], json!({"uid": "u", "allowed": true}));
    let mut pod = asking();
    pod["metadata"]["annotations"]["vault.hashicorp.com/agent-inject"] = json!("maybe");
    let (status, _, body) = send(&admission, post_json(), review(&pod, false)).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(false)));
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains("agent-inject") && message.contains("maybe"), "{message}");
    let metrics = admission.metrics.text().unwrap();
    assert!(metrics.contains("requests_total{outcome=\"refused\"} 1"), "{metrics}");
}

#[tokio::test]
async fn requests_that_are_none_are_told_why() {
    let admission = admission();
    let typed = |media: &str| Request::builder().method(Method::POST).header(CONTENT_TYPE, media);
    for media in ["application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(send(&admission, typed(media), review(&asking(), false)).await.0, 200, "{media}");
    }
    for media in ["text/plain", "application/jsonx", ""] {
        assert_eq!(send(&admission, typed(media), "{}").await.0, 415, "{media}");
    }
    let (status, _, body) = send(&admission, post_json(), "{").await;
    assert_eq!(status, 400);
    assert!(body.starts_with("the body is not an AdmissionReview in JSON"), "{body}");
    let (status, _, body) = send(&admission, post_json(), vec![b' '; BODY_LIMIT + 1]).await;
    assert_eq!((status, body.as_str()), (413, "the body is larger than 3145728 bytes\n"));
    let announced = post_json().header(CONTENT_LENGTH, BODY_LIMIT + 1);
    assert_eq!(send(&admission, announced, "").await.0, 413);
    assert_eq!(send(&admission, Request::builder().method(Method::GET), "").await.0, 405);
}

#[tokio::test]
async fn a_large_pod_is_still_answered() {
    let mut pod = asking();
    pod["metadata"]["annotations"]["example.com/large"] = json!("x".repeat(BODY_LIMIT - 2000));
    assert_eq!(send(&admission(), post_json(), review(&pod, false)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_the_request() {
    let (sender, body) = Channel::<Bytes>::new(1);
    assert_eq!(send(&admission(), post_json(), Body::new(body)).await.0, 408);
    drop(sender);
}

#[tokio::test]
async fn at_the_end_clients_are_asked_to_connect_elsewhere() {
    let admission = admission();
    admission.closing.store(true, Ordering::Relaxed);
    let (status, headers, _) = send(&admission, post_json(), review(&asking(), false)).await;
    assert_eq!((status, headers.get(CONNECTION).unwrap().as_bytes()), (200, &b"close"[..]));
}

#[test]
fn a_panic_becomes_an_answer_without_its_data() {
    let caught = catch_unwind(|| std::panic::panic_any(format!("{} in a pod", "secret"))).unwrap_err();
    let rejection = panicked(caught.as_ref());
    assert_eq!((rejection.status, rejection.outcome), (StatusCode::INTERNAL_SERVER_ERROR, "panicked"));
    assert!(!rejection.message.contains("secret"));
}
