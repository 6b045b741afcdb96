use super::*;

#[test]
fn a_moment_is_read_with_any_number_of_digits_and_written_with_six() {
    for (text, micros) in
        [("2026-11-24T12:00:00Z", 0), ("2026-11-24T12:00:00.5Z", 500_000), ("2026-11-24T12:00:00.000001999Z", 1)]
    {
        let moment = Moment::parse(text).expect("a time");
        assert_eq!(moment.0 % 1_000_000, micros, "{text}");
    }
    let moment = Moment::parse("2026-11-24T12:00:00.25Z").expect("a time");
    assert_eq!(moment.to_string(), "2026-11-24T12:00:00.250000Z");
    assert_eq!(Moment::parse("yesterday"), None);
}

#[test]
fn moments_do_not_overflow() {
    assert_eq!(Moment(i64::MAX).plus(Duration::MAX), Moment(i64::MAX));
    assert_eq!(Moment(5).since(Moment(9)), Duration::ZERO);
    assert_eq!(Moment(i64::MAX).to_string(), "9223372036854775807 us");
}

#[test]
fn marks_are_what_they_were_and_parts_do_not_run_together() {
    let key = |aggregate_type: &str, aggregate_id: &str| Key {
        instance: "i".into(),
        aggregate_type: aggregate_type.into(),
        aggregate_id: aggregate_id.into(),
        sequence: 1,
    };
    assert_ne!(key("ab", "c").mark(), key("a", "bc").mark());
    assert_ne!(key("user", "1").mark(), key("user", "1").aggregate_mark());
    // Bridges of two versions read each other's marks: the first half of the SHA-256 of the four parts, each with a zero byte
    assert_eq!(format!("{:016x}", key("user", "1").mark()), "c2bbd8a36564c670");
}
