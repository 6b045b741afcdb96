use super::*;

#[test]
fn what_is_counted_is_printed_with_its_label() {
    let metrics = Metrics::new();
    metrics.pushed("high", 2, [0.004, 0.3].into_iter());
    metrics.tracked(&Counts { duplicates: 3, gaps: 1, ..Counts::default() });
    metrics.lag("main", 1.5, 7);
    metrics.redis_error("oom");
    let text = metrics.text();
    for line in [
        r#"blinkchamber_events_pushed_total{queue="high"} 2"#,
        r#"blinkchamber_events_pushed_total{queue="low"} 0"#,
        r#"blinkchamber_events_trimmed_total{queue="high"} 2"#,
        r#"blinkchamber_events_delay_seconds_bucket{le="0.005",queue="high"} 1"#,
        "blinkchamber_events_duplicates_total 3",
        "blinkchamber_events_sequence_gaps_total 1",
        r#"blinkchamber_events_lag_seconds{group="main"} 1.5"#,
        r#"blinkchamber_events_redis_errors_total{kind="oom"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
