use std::time::{Duration, Instant};

use super::{Lease, VALID};
use crate::kubernetes::tests::{api, token};
use crate::kubernetes::{Api, Options};

const THEIRS: (&str, &str) = (
    "200 OK",
    r#"{"metadata":{"resourceVersion":"7"},"spec":{"holderIdentity":"b","renewTime":"2020-01-01T00:00:00.000000Z"}}"#,
);
const NOBODYS: (&str, &str) = ("200 OK", r#"{"metadata":{"resourceVersion":"7"},"spec":{}}"#);
const OURS: (&str, &str) = ("200 OK", r#"{"metadata":{"resourceVersion":"8"},"spec":{"holderIdentity":"a"}}"#);

fn lease(address: String, token: &tempfile::NamedTempFile) -> Lease {
    let options = Options { api_address: address, api_token_file: token.path().to_owned(), api_ca_file: "/n".into() };
    Lease::new(Api::new(&options).unwrap(), "blinkchamber/blinkchamber-bootstrap", "a").unwrap()
}

#[test]
fn nobodys_lease_is_taken_and_ours_renewed() {
    let token = token();
    let (address, asked) = api(&[NOBODYS, ("200 OK", "{}"), OURS, ("200 OK", "{}")]);
    let mut lease = lease(address, &token);
    assert!(lease.hold(Instant::now()).unwrap());
    let read = asked.recv().unwrap();
    let path = "GET /apis/coordination.k8s.io/v1/namespaces/blinkchamber/leases/blinkchamber-bootstrap ";
    assert!(read.starts_with(path), "{read}");
    let written = asked.recv().unwrap();
    assert!(written.contains(r#""resourceVersion":"7""#) && written.contains("acquireTime"), "{written}");
    assert!(lease.hold(Instant::now()).unwrap());
    asked.recv().unwrap();
    assert!(!asked.recv().unwrap().contains("acquireTime"), "only renewed");
}

#[test]
fn anothers_is_taken_only_when_it_has_not_moved_for_its_validity() {
    let token = token();
    let (address, _asked) = api(&[THEIRS, THEIRS, THEIRS, ("200 OK", "{}")]);
    let mut lease = lease(address, &token);
    let start = Instant::now();
    // However old the time in it is: the other node's clock may be wrong.
    assert!(!lease.hold(start).unwrap());
    assert!(!lease.hold(start + VALID - Duration::from_secs(1)).unwrap());
    assert!(lease.hold(start + VALID).unwrap());
}

#[test]
fn whoever_was_slower_does_not_hold_it() {
    let token = token();
    let (address, _asked) = api(&[NOBODYS, ("409 Conflict", r#"{"message":"changed"}"#)]);
    assert!(!lease(address, &token).hold(Instant::now()).unwrap());
}

#[test]
fn only_ours_is_released() {
    let token = token();
    let (address, asked) = api(&[THEIRS, OURS, ("200 OK", "{}")]);
    let lease = lease(address, &token);
    lease.release().unwrap();
    lease.release().unwrap();
    let (_, _, written) = (asked.recv().unwrap(), asked.recv().unwrap(), asked.recv().unwrap());
    assert!(written.ends_with(r#""spec":{"holderIdentity":""}}"#), "{written}");
}
