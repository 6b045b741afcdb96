use super::*;

#[test]
fn a_letter_keeps_the_message_as_it_was() {
    let message = br#"{"v":1,"id":"i/user/7/1"}"#;
    let letter: Letter =
        serde_json::from_slice(&Letter::of_message("high", message, "WRONGTYPE").bytes()).expect("JSON");
    assert_eq!((letter.reason.as_str(), letter.queue.as_deref()), ("WRONGTYPE", Some("high")));
    assert_eq!(letter.event.expect("the message").get().as_bytes(), message);
}

#[test]
fn a_letter_of_something_malformed_cannot_be_replayed() {
    let letter: Letter = serde_json::from_slice(&Letter::of_malformed("sequence 7", "no type").bytes()).expect("JSON");
    assert!(letter.queue.is_none() && letter.event.is_none());
    assert_eq!(letter.known.as_deref(), Some("sequence 7"));
}
