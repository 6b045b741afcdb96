use std::fs;

use super::{Masters, Options, Record, line, parse, younger};
use crate::Failure;
use crate::kubernetes;
use crate::kubernetes::tests::{api, token};

const RECORD: &str =
    r#"{"metadata":{"resourceVersion":"7"},"data":{"group-0":"3 redis-replica-0","group-1":"0 redis-master-1"}}"#;

fn masters(entries: &[(&str, u64, &str)]) -> Masters {
    entries.iter().map(|(group, epoch, host)| ((*group).to_owned(), (*epoch, (*host).to_owned()))).collect()
}

/// A directory, options that name it, and the API server's address and token.
struct Beside {
    directory: tempfile::TempDir,
    options: Options,
    _token: tempfile::NamedTempFile,
}

impl Beside {
    fn new(address: String) -> Self {
        let (directory, token) = (tempfile::tempdir().unwrap(), token());
        let options = Options {
            topology: "database/redis-topology".to_owned(),
            directory: directory.path().to_owned(),
            api: kubernetes::Options {
                api_address: address,
                api_token_file: token.path().to_owned(),
                api_ca_file: "/none".into(),
            },
        };
        Self { directory, options, _token: token }
    }

    fn seen(&self, text: &str) {
        fs::write(self.directory.path().join("seen"), text).unwrap();
    }

    fn recorded(&self) -> String {
        fs::read_to_string(self.directory.path().join("recorded")).unwrap()
    }

    fn step(&self, known: Option<Masters>) -> Result<(Masters, Vec<String>), Failure> {
        Record::new(&self.options).unwrap().step(known)
    }
}

#[test]
fn the_sentinel_is_told_the_record_before_it_has_seen_anything() {
    let (address, asked) = api(&[("200 OK", RECORD)]);
    let beside = Beside::new(address);
    let (known, said) = beside.step(None).unwrap();
    assert_eq!(known, masters(&[("group-0", 3, "redis-replica-0"), ("group-1", 0, "redis-master-1")]));
    assert!(said.is_empty());
    assert_eq!(beside.recorded(), "group-0 3 redis-replica-0\ngroup-1 0 redis-master-1\n");
    assert!(asked.recv().unwrap().starts_with("GET /api/v1/namespaces/database/configmaps/redis-topology "));
}

#[test]
fn an_empty_record_is_one_too() {
    let (address, _asked) = api(&[("200 OK", r#"{"metadata":{"resourceVersion":"1"}}"#)]);
    let beside = Beside::new(address);
    beside.step(None).unwrap();
    assert_eq!(beside.recorded(), "", "a first start need not wait");
}

#[test]
fn only_what_is_younger_is_written_and_only_over_what_was_read() {
    let (address, asked) = api(&[("200 OK", RECORD), ("200 OK", "{}")]);
    let beside = Beside::new(address);
    beside.seen("group-0 2 redis-master-0\ngroup-1 4 redis-replica-1\ngroup-2 0 redis-master-2\n");
    let (known, said) = beside.step(Some(masters(&[("group-0", 3, "redis-replica-0")]))).unwrap();
    asked.recv().unwrap();
    let patch = asked.recv().unwrap();
    let body = patch.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(
        body,
        r#"{"data":{"group-1":"4 redis-replica-1","group-2":"0 redis-master-2"},"metadata":{"resourceVersion":"7"}}"#
    );
    assert_eq!(known["group-0"], (3, "redis-replica-0".to_owned()), "the older epoch counts for nothing");
    assert_eq!(said.len(), 2);
    assert!(beside.recorded().contains("group-1 4 redis-replica-1\n"));
}

#[test]
fn what_another_sentinel_wrote_meanwhile_is_taken_over() {
    let (address, _asked) = api(&[("200 OK", RECORD)]);
    let beside = Beside::new(address);
    beside.seen("group-0 3 redis-replica-0\n");
    let (known, said) = beside.step(Some(masters(&[("group-0", 2, "redis-master-0")]))).unwrap();
    assert!(said.is_empty() && known["group-0"].0 == 3, "nothing is written twice");
}

#[test]
fn a_conflict_is_a_failure_that_another_step_mends() {
    let (address, _asked) =
        api(&[("200 OK", RECORD), ("409 Conflict", r#"{"message":"the object has been modified"}"#)]);
    let beside = Beside::new(address);
    beside.seen("group-0 9 redis-master-0\n");
    let failure = beside.step(Some(Masters::new())).unwrap_err();
    assert!(failure.to_string().contains("409"), "{failure}");
}

#[test]
fn nothing_is_asked_while_nothing_changes() {
    let beside = Beside::new("http://127.0.0.1:1".to_owned());
    beside.seen("group-0 3 redis-replica-0\n");
    let known = masters(&[("group-0", 3, "redis-replica-0")]);
    assert_eq!(beside.step(Some(known.clone())).unwrap(), (known, Vec::new()));
}

#[test]
fn half_a_line_says_nothing() {
    for text in ["", "group-0", "group-0 3", "group-0 x redis", "group-0 3 a b", "group-0 -1 a"] {
        assert_eq!(line(text), None, "{text:?}");
    }
    assert_eq!(parse("group-0 3 a\ngroup-1"), masters(&[("group-0", 3, "a")]));
    assert!(
        younger(&masters(&[("g", 3, "a")]), &masters(&[("g", 3, "b")])).is_empty(),
        "an equal epoch changes nothing"
    );
}
