use super::render;
use crate::status::{Counters, Status, TemplateState, TemplateStatus};

#[test]
fn names_units_and_labels() {
    let template = TemplateStatus {
        destination: "/vault/secrets/a\"b".to_owned(),
        state: TemplateState::Stale,
        last_render: Some(1_700_000_000),
        last_error: None,
    };
    let counters = Counters { leases_issued: 3, ..Counters::default() };
    let templates = vec![template, TemplateStatus::default()];
    let status = Status { ready: true, templates, counters, ..Status::default() };
    let text = render(&status);
    for line in [
        "blinkchamber_agent_ready 1",
        "blinkchamber_agent_authenticated 0",
        "# TYPE blinkchamber_agent_leases_issued_total counter",
        "blinkchamber_agent_leases_issued_total 3",
        r#"blinkchamber_agent_template_failing{destination="/vault/secrets/a\"b"} 1"#,
        r#"blinkchamber_agent_template_last_render_timestamp_seconds{destination="/vault/secrets/a\"b"} 1700000000"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("token_ttl_seconds"), "a token without an end has no such metric");
    assert_eq!(text.matches("last_render_timestamp_seconds{").count(), 1, "no time for what was never rendered");
}
