use serde_json::json;
use serde_json::value::RawValue;

use super::*;
use crate::event::{Key, Moment};

fn event(payload: &str) -> Event {
    Event {
        key: Key { instance: "i".into(), aggregate_type: "org".into(), aggregate_id: "7".into(), sequence: 3 },
        kind: "org.added".into(),
        created_at: Moment::parse("2026-11-24T12:00:00.25Z").expect("a time"),
        owner: "o".into(),
        editor: "e".into(),
        payload: Payload::Json(RawValue::from_string(payload.to_owned()).expect("JSON")),
    }
}

fn writer(compress: bool) -> Writer {
    Writer { allowed: AllowList::default(), compress, largest: 1000 }
}

#[test]
fn a_message_is_readable_json() {
    let message = writer(false).write(&event(r#"{"name": "ACME", "secret": "s"}"#));
    let expected = json!({
        "v": 1, "id": "i/org/7/3", "type": "org.added", "instance": "i", "aggregate_type": "org", "aggregate_id": "7",
        "sequence": 3, "created_at": "2026-11-24T12:00:00.250000Z", "owner": "o", "editor": "e", "payload": {"name": "ACME"}
    });
    assert_eq!(serde_json::from_slice::<Value>(&message.bytes).expect("JSON"), expected);
    assert_eq!(message.omitted, None);
}

#[test]
fn a_compressed_message_has_its_version_first_and_reads_back() {
    let plain = writer(false).write(&event("{}")).bytes;
    let packed = writer(true).write(&event("{}")).bytes;
    assert_eq!(packed[0], 1);
    assert_eq!(read(&packed).expect("a frame"), plain);
    assert_eq!(read(&plain).expect("JSON"), plain);
}

#[test]
fn what_cannot_be_read_says_why() {
    for (bytes, part) in [(&b""[..], "empty"), (b"\x07", "version 7"), (b"\x01nonsense", "Zstandard")] {
        let error = read(bytes).expect_err("no message");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_event_with_too_large_or_unreadable_a_payload_goes_without_it() {
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(2000));
    for (payload, why) in [(large.as_str(), "too large"), (r#"{"name": "\ud800"}"#, "unreadable")] {
        let message = writer(false).write(&event(payload));
        let body: Value = serde_json::from_slice(&message.bytes).expect("JSON");
        assert_eq!((message.omitted, &body["payload"]), (Some(why), &json!({})));
        assert_eq!((&body["payload_omitted"], &body["id"]), (&json!(why), &json!("i/org/7/3")));
    }
    let harmless = format!(r#"{{"name": "ACME", "noise": "{}"}}"#, "x".repeat(5 << 20));
    assert_eq!(writer(false).write(&event(&harmless)).omitted, None, "5 MB that the allow-list drops do not matter");
}
