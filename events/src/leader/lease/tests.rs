use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use super::*;
use crate::config::Period;

type Shared = Arc<Mutex<(u64, Value)>>;

/// A Lease with its version, as the API server keeps it.
async fn server() -> (String, Shared) {
    let shared: Shared = Arc::new(Mutex::new((1, json!({}))));
    let routes = Router::new()
        .route("/apis/coordination.k8s.io/v1/namespaces/identity/leases/events", get(read).patch(patch))
        .with_state(Arc::clone(&shared));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, shared)
}

fn object(shared: &Shared) -> Value {
    let (version, spec) = &*shared.lock().expect("not poisoned");
    json!({"metadata": {"resourceVersion": version.to_string()}, "spec": spec})
}

async fn read(State(shared): State<Shared>) -> Json<Value> {
    Json(object(&shared))
}

async fn patch(State(shared): State<Shared>, body: String) -> (StatusCode, Json<Value>) {
    let body: Value = serde_json::from_str(&body).expect("JSON");
    {
        let mut held = shared.lock().expect("not poisoned");
        if text(&body, "/metadata/resourceVersion") != held.0.to_string() {
            return (StatusCode::CONFLICT, Json(json!({"message": "the object has been modified"})));
        }
        held.0 += 1;
        for (key, value) in body["spec"].as_object().expect("an object") {
            held.1[key] = value.clone();
        }
    }
    (StatusCode::OK, Json(object(&shared)))
}

fn lease(address: &str, identity: &str, token: &std::path::Path) -> Lease {
    let settings = Election {
        lease: Some("identity/events".into()),
        term: Period::millis(10_000),
        api_address: address.to_owned(),
        api_token_file: token.to_owned(),
        ..Election::default()
    };
    Lease::new(&settings, identity).expect("settings")
}

#[tokio::test]
async fn one_holds_it_and_another_takes_over_when_it_is_silent_or_gives_it_back() {
    let token = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(token.path(), "token").expect("written");
    let (address, shared) = server().await;
    let (mut a, mut b) = (lease(&address, "a", token.path()), lease(&address, "b", token.path()));
    let start = Instant::now();
    assert_eq!(a.hold(start).await, Ok(true));
    assert_eq!(b.hold(start).await, Ok(false));
    assert_eq!(b.hold(start + Duration::from_secs(9)).await, Ok(false), "he may still live");
    assert_eq!(b.hold(start + Duration::from_secs(10)).await, Ok(true), "he was silent for a term");
    assert_eq!(a.hold(start + Duration::from_secs(10)).await, Ok(false));
    assert_eq!(object(&shared)["spec"]["leaseTransitions"], json!(2));
    b.release().await.expect("given back");
    assert_eq!(a.hold(start + Duration::from_secs(11)).await, Ok(true), "nobody's");
    b.release().await.expect("not his");
    assert_eq!(object(&shared)["spec"]["holderIdentity"], json!("a"));
}

#[tokio::test]
async fn a_server_that_refuses_is_quoted() {
    let token = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(token.path(), "token").expect("written");
    let (address, _) = server().await;
    let mut lease = lease(&address, "a", token.path());
    lease.url.push_str("/nowhere");
    let error = lease.hold(Instant::now()).await.expect_err("404");
    assert!(error.contains("404"), "{error}");
}
