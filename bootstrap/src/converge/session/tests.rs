use std::cell::Cell;
use std::time::Duration;

use blinkchamber_policies::apply::{Method, ServerError, Vault};

use super::{Patience, Session};
use crate::Failure;

fn status(status: u16) -> ServerError {
    let reason = format!("status {status}: about hunter2 itself");
    ServerError { method: Method::Get, path: "p".to_owned(), status: Some(status), reason }
}

fn attempt(limit: Duration, patience: Patience, answers: &[u16]) -> (Result<usize, Failure>, String) {
    let mut out = Vec::new();
    let server = Vault::new("http://127.0.0.1:1", None, Duration::from_secs(1)).unwrap();
    let mut session = Session::new(server, limit, &mut out);
    let asked = Cell::new(0);
    let result = session.retry(patience, Some("hunter2"), |_| {
        let index = asked.replace(asked.get() + 1);
        answers.get(index).map_or(Ok(index), |code| Err(status(*code)))
    });
    (result, String::from_utf8(out).unwrap())
}

#[test]
fn what_passes_is_tried_again_and_told_once() {
    let (result, said) = attempt(Duration::from_secs(30), Patience::Passing, &[503, 503, 307]);
    assert_eq!(result.unwrap(), 3);
    assert_eq!(said.matches("503").count(), 1, "{said}");
    assert_eq!(said.matches("307").count(), 1, "{said}");
}

#[test]
fn what_lasts_fails_unless_everything_may_pass() {
    let (result, _) = attempt(Duration::from_secs(30), Patience::Passing, &[403; 9]);
    assert_eq!(result.unwrap_err().code(), 1);
    let (result, _) = attempt(Duration::from_secs(30), Patience::Everything, &[403, 400, 403, 400]);
    assert_eq!(result.unwrap(), 4);
}

/// A standby that is a moment behind refuses a token that the leader has just made.
#[test]
fn a_single_refusal_is_not_believed() {
    let (result, said) = attempt(Duration::from_secs(30), Patience::Passing, &[403, 503, 403, 403]);
    assert_eq!(result.unwrap(), 4, "{said}");
}

#[test]
fn the_deadline_ends_it_with_the_last_reason() {
    let (result, _) = attempt(Duration::ZERO, Patience::Everything, &[503; 9]);
    let error = result.unwrap_err();
    assert_eq!(error.code(), 3);
    assert!(error.to_string().contains("deadline") && error.to_string().contains("503"), "{error}");
}

#[test]
fn what_must_not_be_seen_is_hidden_in_the_log_and_in_the_error() {
    let (result, said) = attempt(Duration::from_millis(1), Patience::Everything, &[503; 9]);
    let error = result.unwrap_err().to_string();
    for text in [said, error] {
        assert!(!text.contains("hunter2") && text.contains("(hidden)"), "{text}");
    }
}
