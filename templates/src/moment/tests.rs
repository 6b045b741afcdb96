use super::{Moment, format_duration, parse_duration};

const MOMENT: Moment = Moment { seconds: 1_772_600_767, nanos: 120_000_000, offset: 0 };

#[test]
fn layouts() {
    let cases = [
        ("2006-01-02T15:04:05Z07:00", "2026-03-04T05:06:07Z"),
        ("Mon Jan _2 15:04:05.000 2006", "Wed Mar  4 05:06:07.120 2026"),
        ("Monday 002 06 3:4:5 PM pm .999 -0700 MST", "Wednesday 063 26 5:6:7 AM am .12 +0000 UTC"),
        ("x01x .01", "x03x .03"),
    ];
    for (layout, wanted) in cases {
        assert_eq!(MOMENT.format(layout), wanted, "{layout}");
    }
}

#[test]
fn parsing_is_the_inverse() {
    for layout in ["2006-01-02T15:04:05.000Z07:00", "Jan _2 2006 3:04:05.999PM", "2006-002 15:04:05.000000"] {
        assert!(Moment::parse(layout, &MOMENT.format(layout)) == Some(MOMENT), "{layout}");
    }
    assert!(Moment::parse("2006-01-02", "2026-02-30").is_none());
    assert!(Moment::parse("2006-01-02", "2026-02-3").is_none());
    let east = Moment::parse("2006-01-02 -0700", "2026-03-04 +0230").map(|moment| moment.display());
    assert_eq!(east.as_deref(), Some("2026-03-04 00:00:00 +0230 +0230"));
}

#[test]
fn far_times_are_cut() {
    for seconds in [i64::MIN, i64::MAX] {
        assert!(!Moment::utc(seconds, u32::MAX).plus(i64::MAX).display().is_empty());
    }
}

#[test]
fn durations() {
    for (text, nanos, shown) in [
        ("1h30m", 5_400_000_000_000, "1h30m0s"),
        ("-1.5s", -1_500_000_000, "-1.5s"),
        ("15us", 15_000, "15µs"),
        ("0", 0, "0s"),
        ("2m.5s", 120_500_000_000, "2m0.5s"),
    ] {
        assert_eq!(parse_duration(text), Some(nanos), "{text}");
        assert_eq!(format_duration(nanos), shown);
    }
    for text in ["", "1", "h", "1x", "9223372037s9223372037s"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
    assert_eq!(format_duration(i64::MIN), "-2562047h47m16.854775808s");
}
