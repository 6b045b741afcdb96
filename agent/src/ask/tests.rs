use std::{cell::Cell, path::PathBuf, time::Duration};

use serde_json::json;

use super::{patiently, text};
use crate::control::{ControlError, Readiness, Response};

#[test]
fn a_status_reads_well() {
    let status = json!({
        "ready": false, "authenticated": true, "token_ttl_seconds": 90,
        "templates": [
            { "destination": "/vault/secrets/a", "state": "rendered", "last_render": 1 },
            { "destination": "/vault/secrets/b", "state": "pending", "last_error": "no secret exists at secret/data/b" },
        ],
        "leases": [{ "path": "database/creds/app", "expires_seconds": 60 }],
        "reloads": [{ "action": "signal HUP app", "succeeded": 2, "failed": 0 }],
        "counters": serde_json::to_value(crate::status::Counters::default()).unwrap(),
    });
    let told = text(status.clone(), false).ok().unwrap();
    let expected = "\
ready      no
logged in  yes, for 90 s
file       rendered  /vault/secrets/a
file       pending   /vault/secrets/b
           no secret exists at secret/data/b
lease      database/creds/app for 60 s
reload     signal HUP app (2 worked, 0 failed)
";
    assert_eq!(told, expected);
    let raw = text(status.clone(), true).ok().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&raw).unwrap(), status);
}

#[test]
fn who_waits_asks_until_all_is_ready_or_the_time_is_over() {
    let count = Cell::new(0);
    let answers = |ready_at: usize| {
        count.set(0);
        let count = &count;
        move || {
            count.set(count.get() + 1);
            match count.get() {
                1 => Err(ControlError::NotListening { path: PathBuf::from("/s") }),
                asked => Ok(Response::Ready(Readiness { ready: asked >= ready_at, reason: None })),
            }
        }
    };
    let ready = |answer| matches!(answer, Ok(Response::Ready(Readiness { ready: true, .. })));
    assert!(ready(patiently(Duration::from_secs(60), answers(4))));
    assert_eq!(count.get(), 4);
    assert!(!ready(patiently(Duration::from_millis(100), answers(usize::MAX))));
    assert!(count.get() > 1);
    // Who does not wait asks once.
    assert!(!ready(patiently(Duration::ZERO, answers(2))));
    assert_eq!(count.get(), 1);
}

#[test]
fn another_version_is_said_to_be_one() {
    assert!(text(json!({ "ready": "perhaps" }), false).is_err_and(|failure| failure.code == 3));
}
