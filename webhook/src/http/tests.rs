use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blinkchamber_contract::plan::Defaults;
use http_body_util::channel::Channel;
use hyper::body::Frame;
use serde_json::{Value, json};

use super::*;
use crate::load::{Load, Most};

fn admission() -> Admission {
    Admission {
        defaults: Defaults::new("agent:1", "http://vault:8200").into(),
        metrics: Arc::new(Metrics::new()),
        closing: Arc::default(),
    }
}

fn client(most: Most) -> Client {
    Load::new(most, Arc::new(Metrics::new())).connect([10, 0, 0, 1].into()).ok().unwrap()
}

async fn send(
    admission: &Admission,
    request: http::request::Builder,
    body: impl Into<Bytes>,
) -> (u16, HeaderMap, String) {
    sent(admission, &client(Most::default()), request, Full::new(body.into())).await
}

async fn sent<B>(
    admission: &Admission,
    client: &Client,
    request: http::request::Builder,
    body: B,
) -> (u16, HeaderMap, String)
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let response = admission.answer(client, request.body(body).unwrap()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

fn post_json() -> http::request::Builder {
    typed_as("application/json")
}

fn typed_as(media: &str) -> http::request::Builder {
    Request::post("/mutate").header(CONTENT_TYPE, media)
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
    for media in ["application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(send(&admission, typed_as(media), review(&asking(), false)).await.0, 200, "{media}");
    }
    for media in ["text/plain", "application/jsonx", ""] {
        assert_eq!(send(&admission, typed_as(media), "{}").await.0, 415, "{media}");
    }
    let (status, _, body) = send(&admission, post_json(), "{").await;
    assert_eq!(status, 400);
    assert!(body.starts_with("the body is not an AdmissionReview in JSON"), "{body}");
    let (status, _, body) = send(&admission, post_json(), vec![b' '; BODY_LIMIT + 1]).await;
    assert_eq!((status, body.as_str()), (413, "the body is larger than 3145728 bytes\n"));
    let announced = post_json().header(CONTENT_LENGTH, BODY_LIMIT + 1);
    assert_eq!(send(&admission, announced, "").await.0, 413);
    let (status, headers, _) = send(&admission, Request::get("/mutate"), "").await;
    assert_eq!((status, headers.get(ALLOW).unwrap().as_bytes()), (405, &b"POST"[..]));
    assert_eq!(send(&admission, Request::post("/"), "").await.0, 404);
}

#[tokio::test]
async fn a_large_pod_is_still_answered() {
    let mut pod = asking();
    pod["metadata"]["annotations"]["example.com/large"] = json!("x".repeat(BODY_LIMIT - 2000));
    assert_eq!(send(&admission(), post_json(), review(&pod, false)).await.0, 200);
}

#[tokio::test]
async fn a_pod_of_too_many_values_is_refused_unless_they_are_text() {
    let admission = admission();
    let values = |count: usize| format!(r#"{{"request":{{"uid":"u","object":{{}},"x":[{}0]}}}}"#, "0,".repeat(count));
    assert_eq!(send(&admission, post_json(), values(MOST_VALUES / 2)).await.0, 200);
    let (status, _, body) = send(&admission, post_json(), values(MOST_VALUES)).await;
    assert_eq!(status, 413);
    assert!(body.ends_with("values, at most 262144 are accepted\n"), "{body}");
    let text = format!(r#"{{"request":{{"uid":"u","object":{{}},"x":"\"{}"}}}}"#, ",".repeat(MOST_VALUES + 1));
    assert_eq!(send(&admission, post_json(), text).await.0, 200);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let whole = review(&asking(), false);
    for size in [1, 7, whole.len() - 1] {
        let pieces: Vec<_> = whole
            .as_bytes()
            .chunks(size)
            .map(|piece| Ok::<_, String>(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let (sender, body) = Channel::<Bytes, String>::new(pieces.len());
        let mut sender = sender;
        for piece in pieces {
            sender.send(piece.unwrap()).await.unwrap();
        }
        drop(sender);
        let (status, _, answer) = sent(&admission(), &client(Most::default()), post_json(), body).await;
        assert_eq!((status, answer), (200, send(&admission(), post_json(), whole.clone()).await.2));
    }
}

#[tokio::test]
async fn bytes_in_hand_have_a_bound_and_come_back() {
    let admission = admission();
    let question = review(&asking(), false);
    let client = client(Most { bytes_of_one: 64 * 1024, ..Most::default() });
    // Bodies that do not end, until one more would be too much.
    let (mut sender, body) = Channel::<Bytes>::new(1);
    sender.send_data(vec![b' '; 63 * 1024].into()).await.unwrap();
    let request = post_json().body(body).unwrap();
    let mut slow = pin!(admission.answer(&client, request));
    assert!(timeout(Duration::from_millis(50), slow.as_mut()).await.is_err(), "it waits for the rest");
    let small = Full::new(Bytes::from(question.clone()));
    let (status, headers, body) = sent(&admission, &client, post_json(), small.clone()).await;
    assert_eq!((status, headers.get(RETRY_AFTER).unwrap().as_bytes()), (503, &b"1"[..]));
    assert!(body.contains("try again in a second"), "{body}");
    assert!(admission.metrics.text().unwrap().contains("requests_total{outcome=\"busy\"} 1"));
    drop(sender);
    assert_eq!(slow.await.status(), 400, "the slow one was no review");
    // Answers that are not taken count too.
    let mut untaken = Vec::new();
    for _ in 0..100 {
        untaken.push(admission.answer(&client, post_json().body(small.clone()).unwrap()).await);
    }
    assert!(untaken.iter().any(|response| response.status() == 200));
    assert_eq!(untaken.last().unwrap().status(), 503);
    drop(untaken);
    assert_eq!(sent(&admission, &client, post_json(), small).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_the_request() {
    let (sender, body) = Channel::<Bytes>::new(1);
    assert_eq!(sent(&admission(), &client(Most::default()), post_json(), body).await.0, 408);
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
    assert_eq!(rejection.refusal, Refusal::Panicked);
    assert!(!rejection.message.contains("secret"));
}
