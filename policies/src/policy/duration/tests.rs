use blinkchamber_hcl::Position;

use super::*;

fn value(kind: Kind) -> Value {
    Value { kind, position: Position::default() }
}

fn seconds(text: &str) -> Result<i128, String> {
    parse(&value(Kind::String(text.to_owned()))).map(|nanoseconds| nanoseconds / SECOND)
}

#[test]
fn durations() {
    for (text, expected) in
        [("", 0), ("90", 90), ("1d", 86400), ("1h30m", 5400), ("1.5h", 5400), ("-3s", -3), ("+0", 0)]
    {
        assert_eq!(seconds(text).unwrap(), expected, "{text}");
    }
    assert_eq!(parse(&value(Kind::Number("0x10".to_owned()))).unwrap(), 16 * SECOND);
    assert_eq!(seconds("abc").unwrap_err(), "time: invalid duration \"abc\"");
    assert_eq!(seconds("1x").unwrap_err(), "time: unknown unit \"x\" in duration \"1x\"");
    assert_eq!(seconds("1h2").unwrap_err(), "time: missing unit in duration \"1h2\"");
    assert_eq!(seconds("xd").unwrap_err(), "strconv.ParseInt: parsing \"x\": invalid syntax");
    assert!(seconds("99999999999h").is_err());
    assert!(parse(&value(Kind::Bool(true))).is_err());
}

#[test]
fn instants() {
    assert_eq!(instant("").unwrap(), None);
    assert_eq!(instant("1970-01-01T00:01:00Z").unwrap(), Some(60));
    assert_eq!(instant("1970-01-01T01:00:00.5+01:00").unwrap(), Some(0));
    assert_eq!(instant("1893456000").unwrap(), Some(1_893_456_000));
    assert!(instant("2099-01-02").is_err());
    assert!(instant("tomorrow").is_err());
}
