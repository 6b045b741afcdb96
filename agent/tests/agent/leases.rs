//! Credentials with a lease: renewed, replaced before they die, and never issued more often than needed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use crate::{
    double::{Asked, Double, Reaction},
    process::{PATIENCE, Setup, wait},
};

mod credentials;
mod pki;

const CREDENTIAL: &str = r#"{{ with secret "database/creds/app" }}{{ .Data.username }}{{ end }}"#;

/// A database engine with leases of so many seconds; `renew` says what a renewal gives.
fn database(lease: u64, renew: impl Fn() -> Reaction + Send + Sync + 'static) -> Double {
    let issued = Arc::new(AtomicU64::new(0));
    Double::start(move |asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        (_, "auth/token/lookup-self") => answer(json!({ "data": { "ttl": 0, "renewable": false } })),
        ("GET", "database/creds/app") => {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            let (id, name) = (format!("database/creds/app/{number}"), format!("user-{number}"));
            answer(json!({ "lease_id": id, "lease_duration": lease, "renewable": true, "data": { "username": name } }))
        }
        ("PUT", "sys/leases/renew") => renew(),
        _ => Reaction::Answer(404, "", json!({ "errors": [] })),
    })
}

fn answer(body: Value) -> Reaction {
    Reaction::Answer(200, "", body)
}

/// What the agent asked for, in its order: `i` for a credential, `r` for a renewal.
fn story(server: &Double) -> String {
    let asked = server.asked("", "");
    let letter = |asked: &Asked| match asked.path.as_str() {
        "database/creds/app" => Some('i'),
        "sys/leases/renew" => Some('r'),
        _ => None,
    };
    asked.iter().filter_map(letter).collect()
}

#[test]
fn a_lease_is_renewed_and_its_credential_stays() {
    let server = database(4, || answer(json!({ "lease_id": "x", "lease_duration": 4, "renewable": true })));
    let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
    let _agent = setup.start();
    setup.wait_for("out", "user-1");
    wait("four renewals", PATIENCE, || story(&server).len() >= 5);
    let renewals = server.asked("PUT", "sys/leases/renew");
    assert!(renewals.iter().all(|asked| asked.body.contains("database/creds/app/1")));
    assert!(story(&server).starts_with("irrrr"), "one credential: {}", story(&server));
}

#[test]
fn a_renewal_that_is_refused_is_tried_again_before_anything_is_issued() {
    let refusals: [(u16, &str); 3] =
        [(500, "internal error"), (400, "lease is not renewable"), (403, "permission denied")];
    for (status, message) in refusals {
        let server = database(10, move || Reaction::Answer(status, "", json!({ "errors": [message] })));
        let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
        let _agent = setup.start();
        setup.wait_for("out", "user-1");
        setup.wait_for_log("the lease cannot be renewed now; its credential stays in use");
        setup.wait_for("out", "user-2");
        let story = story(&server);
        let tries = story.trim_start_matches('i').find('i').unwrap();
        assert!(story.starts_with("ir") && tries >= 2, "{status}: tried again before the second one: {story}");
    }
}

#[test]
fn credentials_that_die_at_once_do_not_flood_the_server() {
    let server = database(3, || Reaction::Answer(400, "", json!({ "errors": ["lease not found"] })));
    let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
    let _agent = setup.start();
    setup.wait_for("out", "user-3");
    // That the waits between them grow is shown with a clock of its own, in `engine/slot/tests.rs`.
    assert!(story(&server).starts_with("iriri"), "each only after the last one was found dead: {}", story(&server));
}

#[test]
fn a_lease_ends_with_its_token_and_is_replaced_with_it() {
    const WATCHED: [&str; 2] = ["auth/approle/login", "database/creds/app"];
    let count = Arc::new(AtomicU64::new(0));
    let server = Double::start(move |asked: &Asked| match asked.path.as_str() {
        "auth/approle/login" => {
            let token = format!("s.{}", count.fetch_add(1, Ordering::SeqCst));
            answer(json!({ "auth": { "client_token": token, "lease_duration": 4, "renewable": false } }))
        }
        "database/creds/app" => {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let (id, name) = (format!("database/creds/app/{number}"), format!("user-{number}"));
            answer(json!({ "lease_id": id, "lease_duration": 3600, "renewable": true, "data": { "username": name } }))
        }
        "secret/data/app" => answer(json!({ "data": { "data": { "a": "b" }, "metadata": { "version": 1 } } })),
        _ => Reaction::Answer(404, "", Value::Null),
    });
    let ids = ("role".to_owned(), "secret".to_owned());
    let setup = Setup::app_role(&server.address(), &ids)
        .template("out", CREDENTIAL)
        .template("twin", &format!("also {CREDENTIAL}"))
        .template("static", r#"{{ with secret "secret/data/app" }}{{ .Data.data.a }}{{ end }}"#)
        .configure("template_config", json!({ "static_secret_render_interval": "1h" }));
    let _agent = setup.start();
    setup.wait_for("out", "user-1");
    setup.wait_for("twin", "also user-1");
    setup.wait_for("out", "user-3");
    setup.wait_for("twin", "also user-3");
    let of = |method: &str, path: &str| server.asked(method, path).len();
    let story: Vec<String> = server.asked("", "").into_iter().map(|asked| asked.path).collect();
    let story: Vec<&str> = story.iter().map(String::as_str).filter(|path| WATCHED.contains(path)).collect();
    // Login and credential take turns: one credential for each token.
    assert!(
        story.chunks(2).all(|pair| pair[0] == WATCHED[0] && pair.get(1).is_none_or(|path| *path == WATCHED[1])),
        "{story:?}"
    );
    assert!(of("PUT", WATCHED[0]) >= 2);
    assert_eq!(server.asked("GET", "secret/data/app").len(), 1, "static secrets are not read again for a new token");
    assert_eq!(server.asked("GET", "sys/internal/ui/mounts").len(), 2, "asked about the unknown mount only");
}
