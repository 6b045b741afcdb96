use blinkchamber_templates::{Answer, Json};

use super::same;

fn secret(text: &str) -> Answer {
    Answer::Secret(Json::parse(text.as_bytes()).unwrap())
}

#[test]
fn ids_of_requests_and_leases_are_no_change() {
    let old = secret(r#"{"request_id":"1","lease_id":"a","data":{"k":"v"}}"#);
    assert!(same(&old, &secret(r#"{"request_id":"2","lease_id":"b","data":{"k":"v"}}"#)));
    assert!(!same(&old, &secret(r#"{"request_id":"1","lease_id":"a","data":{"k":"w"}}"#)));
    assert!(!same(&old, &secret(r#"{"data":{"k":"v"},"auth":{"client_token":"t"}}"#)));
}

#[test]
fn files_and_lists_are_compared_whole() {
    assert!(same(&Answer::File(b"a".to_vec()), &Answer::File(b"a".to_vec())));
    assert!(!same(&Answer::File(b"a".to_vec()), &Answer::File(b"b".to_vec())));
    assert!(!same(&Answer::List(vec!["a".to_owned()]), &Answer::List(Vec::new())));
    assert!(!same(&Answer::List(Vec::new()), &secret("{}")));
}
