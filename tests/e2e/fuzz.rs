//! (i) Two replicas answer 5,000 bent reviews: no panic, no invalid patch, and a patch applied twice is applied once.

use std::time::Duration;

use base64::Engine as _;
use blinkchamber_tests::cluster::{PLATFORM, list};
use blinkchamber_tests::reviews::review;
use reqwest::blocking::Client;
use serde_json::Value;

const REVIEWS: u64 = 5_000;
const SEED: u64 = 20_261_124;

#[test]
fn bent_reviews_get_answers_and_patches_are_idempotent() {
    let _guard = crate::peaceful();
    rustls::crypto::ring::default_provider().install_default().ok();
    // Pod addresses are in no certificate; who answers is not what this test is about (`certificates` is).
    let client = Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client");
    let replicas: Vec<_> = list(PLATFORM, "pods", "app.kubernetes.io/name=webhook")
        .iter()
        .filter_map(|pod| pod["status"]["podIP"].as_str().map(|address| format!("https://{address}:8443/mutate")))
        .collect();
    assert_eq!(replicas.len(), 2, "two replicas");
    let (mut patched, mut refused) = (0, 0);
    for seed in SEED..SEED + REVIEWS {
        let review = review(seed);
        let [first, second] = [0, 1].map(|n| ask(&client, &replicas[n], &review));
        assert_eq!(first, second, "both replicas decide alike, seed {seed}");
        assert_eq!(first["response"]["uid"], review["request"]["uid"], "seed {seed}");
        if first["response"]["allowed"] != true {
            assert!(
                first["response"]["status"]["message"].as_str().is_some_and(|m| !m.is_empty()),
                "seed {seed}: {first}"
            );
            refused += 1;
            continue;
        }
        let Some(patch) = patch(&first) else { continue };
        patched += 1;
        let mut once = review["request"]["object"].clone();
        json_patch::patch(&mut once, &patch).unwrap_or_else(|error| panic!("seed {seed}: invalid patch: {error}"));
        let mut again = review;
        again["request"]["object"] = once;
        let answer = ask(&client, &replicas[0], &again);
        assert_eq!(answer["response"]["allowed"], true, "seed {seed}: {answer}");
        assert!(
            self::patch(&answer).is_none_or(|patch| patch.0.is_empty()),
            "seed {seed}: the second patch is empty: {answer}"
        );
    }
    assert!(patched > 500 && refused > 500, "the set reaches both answers: {patched} patched, {refused} refused");
}

#[test]
fn what_is_not_a_review_is_refused_by_status() {
    let _guard = crate::peaceful();
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let pods = list(PLATFORM, "pods", "app.kubernetes.io/name=webhook");
    let url = format!("https://{}:8443/mutate", pods[0]["status"]["podIP"].as_str().expect("an address"));
    let post = |kind: &str, body: Vec<u8>| {
        client.post(&url).header("content-type", kind).body(body).send().map(|response| response.status().as_u16())
    };
    assert_eq!(post("application/json", b"{\"half\": ".to_vec()).expect("an answer"), 400);
    assert_eq!(post("text/plain", b"{}".to_vec()).expect("an answer"), 415);
    // The server answers before it has read it all, or the connection is closed under the sender: both are refusals.
    let huge = post("application/json", vec![b' '; 4 << 20]);
    assert!(huge.as_ref().map_or(true, |status| *status == 413), "{huge:?}");
    assert_eq!(post("application/json", b"{}".to_vec()).expect("it goes on answering"), 400);
}

fn ask(client: &Client, url: &str, review: &Value) -> Value {
    let response = client.post(url).json(review).send().unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(response.status(), 200, "{review}");
    response.json().expect("a review comes back")
}

fn patch(answer: &Value) -> Option<json_patch::Patch> {
    let text = answer["response"]["patch"].as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    Some(serde_json::from_slice(&bytes).expect("a JSON patch"))
}
