//! Credentials with a lease: renewed, replaced before they die, and never issued more often than needed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    bao::{Bao, pause},
    double::{Asked, Double, Reaction},
    process::Setup,
};

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

#[test]
fn a_lease_is_renewed_in_time_and_its_credential_stays() {
    let server = database(4, || answer(json!({ "lease_id": "x", "lease_duration": 4, "renewable": true })));
    let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
    let _agent = setup.start();
    setup.wait_for("out", "user-1");
    pause(9.5);
    let renewals = server.asked("PUT", "sys/leases/renew");
    assert_eq!(server.asked("GET", "database/creds").len(), 1, "one credential");
    assert!((2..=4).contains(&renewals.len()), "{} renewals in 9.5 s of 4 s leases", renewals.len());
    assert!(renewals.iter().all(|asked| asked.body.contains("database/creds/app/1")));
    let first = server.asked("GET", "database/creds")[0].at;
    let wait = renewals[0].at.duration_since(first);
    assert!(
        wait > Duration::from_millis(2600) && wait < Duration::from_millis(3400),
        "not at once, not late: {wait:?}"
    );
}

#[test]
fn a_failing_renewal_issues_nothing_before_the_grace_window() {
    let server = database(10, || Reaction::Answer(500, "", json!({ "errors": ["internal error"] })));
    let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
    let _agent = setup.start();
    setup.wait_for("out", "user-1");
    pause(7.6);
    assert!(!server.asked("PUT", "sys/leases/renew").is_empty());
    assert_eq!(server.asked("GET", "database/creds").len(), 1);
    setup.wait_for("out", "user-2");
    let issued = server.asked("GET", "database/creds");
    let life = issued[1].at.duration_since(issued[0].at);
    assert!(life > Duration::from_millis(7900) && life < Duration::from_secs(10), "replaced before it died: {life:?}");
}

#[test]
fn credentials_that_die_at_once_do_not_flood_the_server() {
    let server = database(3, || Reaction::Answer(400, "", json!({ "errors": ["lease not found"] })));
    let setup = Setup::new(&server.address(), "t").template("out", CREDENTIAL);
    let _agent = setup.start();
    setup.wait_for("out", "user-1");
    setup.wait_for("out", "user-2");
    pause(8.0);
    let issued = server.asked("GET", "database/creds").len();
    assert!((2..=5).contains(&issued), "{issued} credentials");
}

#[test]
fn a_lease_ends_with_its_token_and_is_replaced_before_that() {
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
    let logins = server.asked("PUT", "auth/approle/login");
    let life = logins[1].at.duration_since(logins[0].at);
    assert!(life > Duration::from_millis(2700) && life < Duration::from_millis(3500), "{life:?} of 4 s");
    assert_eq!(server.asked("GET", "database/creds").len(), logins.len(), "one credential for each token");
    assert_eq!(server.asked("GET", "secret/data/app").len(), 1, "static secrets are not read again for a new token");
    assert_eq!(server.asked("GET", "sys/internal/ui/mounts").len(), 2, "asked about the unknown mount only");
}

#[test]
fn what_the_real_server_leases_is_replaced_before_it_ends() {
    let bao = Bao::start();
    bao.ask("POST", "sys/mounts/pki", json!({ "type": "pki" }));
    bao.ask("POST", "pki/root/generate/internal", json!({ "common_name": "ca", "ttl": "1h" }));
    let role = json!({ "allow_any_name": true, "generate_lease": true, "ttl": "5s", "max_ttl": "1m" });
    bao.ask("POST", "pki/roles/app", role);
    let setup = Setup::new(&bao.address(), "root")
        .template("out", r#"{{ with secret "pki/issue/app" "common_name=a.test" }}{{ .Data.serial_number }}{{ end }}"#);
    let _agent = setup.start();
    let mut seen: Vec<(String, Instant)> = Vec::new();
    let end = Instant::now() + Duration::from_secs(13);
    while Instant::now() < end {
        match setup.read("out") {
            Some(serial) if seen.last().is_none_or(|(last, _)| *last != serial) => {
                assert!(!serial.is_empty(), "never an empty file");
                seen.push((serial, Instant::now()));
            }
            Some(_) => {}
            None => assert!(seen.is_empty(), "never a missing file"),
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert!((3..=4).contains(&seen.len()), "{} certificates in 13 s", seen.len());
    for pair in seen.windows(2) {
        let life = pair[1].1.duration_since(pair[0].1);
        assert!(life > Duration::from_secs(3) && life < Duration::from_secs(5), "{life:?} of 5 s");
    }
    assert!(bao.leases("pki/issue/app") <= 2, "old ones end");
}
