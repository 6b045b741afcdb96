use serde_json::{Value, json};

use super::*;

fn element(sequence: &Value) -> Value {
    json!({
        "aggregate": {"id": "7", "type": {"type": "user"}, "resourceOwner": "org"}, "type": {"type": "user.locked"},
        "sequence": sequence, "creationDate": "2026-11-24T12:00:00.000001Z", "payload": {"a": [1]}, "editor": {"userId": "e"}
    })
}

fn body(elements: &[Value]) -> Vec<u8> {
    json!({"events": elements}).to_string().into_bytes()
}

#[test]
fn an_answer_is_read_with_numbers_as_texts_too() {
    let batch = answer::read(&body(&[element(&json!("3")), element(&json!(4))]), "main").expect("an answer");
    let keys: Vec<_> = batch.events.iter().map(|event| event.key.to_string()).collect();
    assert_eq!(keys, ["main/user/7/3", "main/user/7/4"]);
    let first = &batch.events[0];
    assert_eq!((first.kind.as_str(), first.owner.as_str(), first.editor.as_str()), ("user.locked", "org", "e"));
    assert_eq!(first.created_at.0 % 1_000_000, 1);
    assert!(answer::read(b"{}", "main").expect("no events").events.is_empty());
}

#[test]
fn a_broken_element_does_not_spoil_the_others_and_its_values_are_not_told() {
    let mut without_type = element(&json!("5"));
    without_type["type"] = json!("hunter2");
    let mut undated = element(&json!("6"));
    undated["creationDate"] = json!("soon");
    let answer = [element(&json!("x")), without_type, undated, json!("hunter2"), element(&json!("7"))];
    let batch = answer::read(&body(&answer), "main").expect("an answer");
    assert_eq!((batch.events.len(), batch.malformed.len(), batch.count), (1, 4, 5));
    let told: Vec<_> = batch.malformed.iter().map(|bad| format!("{}: {}", bad.known, bad.reason)).collect();
    assert!(told[0].contains("aggregate \"7\"") && told[0].contains("the sequence is no number"), "{told:?}");
    assert!(!told.concat().contains("hunter2"), "{told:?}");
}

#[test]
fn garbage_is_refused_without_being_quoted() {
    for (text, part) in
        [("{\"events\": [{\"hunter2", "ends too early"), ("<html>hunter2", "not JSON"), ("[1]", "expected shape")]
    {
        let error = answer::read(text.as_bytes(), "main").err().expect(text);
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    let mut bytes = body(&[element(&json!("1"))]);
    let at = bytes.windows(3).position(|window| window == b"org").expect("the owner");
    bytes[at] = 0xff;
    assert_eq!(answer::read(&bytes, "main").expect("an answer").events[0].owner, "\u{fffd}rg");
}

#[test]
fn only_the_message_of_an_error_is_told() {
    assert_eq!(
        answer::message(br#"{"code": 7, "message": "No matching permissions found"}"#),
        "No matching permissions found"
    );
    assert_eq!(answer::message(b"<html>"), "no message");
}
