use super::remember;
use crate::Failure;
use crate::kubernetes::Options;
use crate::kubernetes::tests::{api, token};

fn marked(api_address: String, token: &tempfile::NamedTempFile, cluster: &str) -> Result<bool, Failure> {
    let options = Options { api_address, api_token_file: token.path().to_owned(), api_ca_file: "/nonexistent".into() };
    remember(&options, "blinkchamber/vault-bootstrapped", cluster)
}

#[test]
fn an_empty_configmap_takes_the_id_and_a_full_one_is_left_alone() {
    let token = token();
    let (address, asked) = api(&[("200 OK", r#"{"data":null}"#), ("200 OK", "{}")]);
    assert!(marked(address, &token, "id-1").unwrap());
    let read = asked.recv().unwrap();
    assert!(read.starts_with("GET /api/v1/namespaces/blinkchamber/configmaps/vault-bootstrapped "), "{read}");
    assert!(read.contains("Bearer a.b.c\r\n"), "the token's newline is not sent");
    let patch = asked.recv().unwrap();
    assert!(patch.starts_with("PATCH ") && patch.ends_with(r#"{"data":{"cluster":"id-1"}}"#), "{patch}");

    let (address, _asked) = api(&[("200 OK", r#"{"data":{"cluster":"id-1"}}"#)]);
    assert!(!marked(address, &token, "id-1").unwrap());
}

#[test]
fn a_second_cluster_is_a_failure() {
    let (address, _asked) = api(&[("200 OK", r#"{"data":{"cluster":"old"}}"#)]);
    let error = marked(address, &token(), "new").unwrap_err();
    assert!(error.to_string().contains("cluster old") && error.to_string().contains("cluster new"), "{error}");
    assert_eq!(error.code(), 1);
}

#[test]
fn the_api_servers_message_is_the_reason_and_the_token_is_not() {
    let (address, _asked) = api(&[("403 Forbidden", r#"{"message":"configmaps is forbidden"}"#)]);
    let error = marked(address, &token(), "new").unwrap_err();
    assert!(error.to_string().contains("403 Forbidden: configmaps is forbidden"), "{error}");
    assert!(!error.to_string().contains("a.b.c"));
    assert_eq!(error.code(), 3);
}
