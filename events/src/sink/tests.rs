use std::time::Instant;

use super::*;

fn item(created_at: i64, mark: u64) -> Item {
    Item { bytes: Vec::new(), created_at: Moment(created_at), mark, name: String::new(), since: Instant::now() }
}

#[test]
fn recent_events_read_back() {
    let items = [item(5, u64::MAX), item(i64::from(b':'), 7), item(1 << 60, 0)];
    let blob = recent::write(items.iter());
    assert!(blob.starts_with(format!("{}:", 1_u64 << 60).as_bytes()));
    let expected: Vec<_> = items.iter().map(|item| (item.created_at, item.mark)).collect();
    assert_eq!(recent::read(&blob).collect::<Vec<_>>(), expected);
    assert_eq!(recent::read(b"garbage").count(), 0);
}

#[test]
fn every_answer_of_the_script_has_its_outcome() {
    let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
    let parse = |parts: Vec<Value>| Outcome::from_redis_value(Value::Array(parts)).ok();
    let pushed = parse(vec![text("PUSHED"), Value::Int(7), Value::Int(1)]);
    assert_eq!(pushed, Some(Outcome::Pushed { length: 7, trimmed: 1 }));
    assert_eq!(parse(vec![text("FULL"), Value::Int(7)]), Some(Outcome::Full { length: 7 }));
    assert_eq!(parse(vec![text("FENCED"), text("2-b")]), Some(Outcome::Fenced("2-b".into())));
    assert_eq!(parse(vec![text("BEHIND"), text("2")]), Some(Outcome::Behind));
    let refused = parse(vec![text("REFUSED"), text("WRONGTYPE Operation against a key")]);
    assert!(matches!(refused, Some(Outcome::Refused(Trouble::WrongType(_)))), "{refused:?}");
    assert_eq!(parse(vec![text("PERHAPS")]), None);
}
