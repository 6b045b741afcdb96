use super::*;

#[test]
fn numbers_with_units_are_added_up() {
    for (text, nanoseconds) in [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("1h30m", 5_400_000_000_000),
        ("1.5h", 5_400_000_000_000),
        ("-1.5s", -1_500_000_000),
        ("15us", 15_000),
        ("15\u{b5}s", 15_000),
        ("2m.5s", 120_500_000_000),
        ("1.s", 1_000_000_000),
        ("1s500ms", 1_500_000_000),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("9223372036854775807ns", i128::from(i64::MAX)),
        ("-9223372036854775808ns", i128::from(i64::MIN)),
    ] {
        assert_eq!(parse(text, Dialect::Go).unwrap(), nanoseconds, "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_in_the_servers_words() {
    for (text, message) in [
        ("", "time: invalid duration \"\""),
        ("abc", "time: invalid duration \"abc\""),
        (".s", "time: invalid duration \".s\""),
        ("- 1s", "time: invalid duration \"- 1s\""),
        ("1", "time: missing unit in duration \"1\""),
        ("1h2", "time: missing unit in duration \"1h2\""),
        ("1x\n", "time: unknown unit \"x\\n\" in duration \"1x\\n\""),
        ("1d", "time: unknown unit \"d\" in duration \"1d\""),
        ("99999999999h", "time: invalid duration \"99999999999h\""),
        ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ("9223372037s9223372037s", "time: invalid duration \"9223372037s9223372037s\""),
    ] {
        assert_eq!(parse(text, Dialect::Go).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn dialects_differ_in_plain_numbers_days_and_nothing() {
    let read = |text, dialect| parse(text, dialect).ok().map(|nanoseconds| nanoseconds / SECOND);
    for (text, go, seconds, server) in [
        ("90", None, Some(90), Some(90)),
        ("-3", None, Some(-3), Some(-3)),
        ("2d", None, None, Some(172_800)),
        ("", None, None, Some(0)),
        ("2m", Some(120), Some(120), Some(120)),
        ("1d2h", None, None, None),
    ] {
        let all = [Dialect::Go, Dialect::Seconds, Dialect::Server].map(|dialect| read(text, dialect));
        assert_eq!(all, [go, seconds, server], "{text}");
    }
    let days = parse("xd", Dialect::Server).unwrap_err();
    assert_eq!(days.to_string(), "strconv.ParseInt: parsing \"x\": invalid syntax");
}

#[test]
fn whole_seconds_are_neither_broken_nor_negative() {
    assert_eq!(whole_seconds("1h30m5s"), Some(5405));
    assert_eq!(whole_seconds("1.5h"), Some(5400));
    for wrong in ["", "1", "1d", "1.5s", "-1s", "99999999999999999999s"] {
        assert_eq!(whole_seconds(wrong), None, "{wrong}");
    }
}

#[test]
fn durations_are_written_as_go_writes_them() {
    for (nanoseconds, shown) in [
        (0, "0s"),
        (1, "1ns"),
        (15_000, "15\u{b5}s"),
        (1_500_000, "1.5ms"),
        (-1_500_000_000, "-1.5s"),
        (120_500_000_000, "2m0.5s"),
        (5_400_000_000_000, "1h30m0s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(format(nanoseconds), shown);
    }
}
