use super::Metrics;
use crate::Failure;
use crate::converge::session::{Account, Area};
use crate::rotate::Credential;

#[test]
fn every_area_is_there_from_the_start_and_drift_is_counted() {
    let metrics = Metrics::new();
    assert!(metrics.text().contains("blinkchamber_bootstrap_drift{area=\"policy\"} 0"), "{}", metrics.text());
    let account =
        Account { differences: vec!["x".to_owned(); 2], by_area: [(Area::Policy, 2)].into(), ..Account::default() };
    metrics.ran(&Ok(account));
    metrics.ran(&Ok(Account::default()));
    metrics.ran(&Err(Failure::Failed("x".to_owned())));
    let text = metrics.text();
    for line in [
        "blinkchamber_bootstrap_drift{area=\"policy\"} 0",
        "blinkchamber_bootstrap_repaired_total{area=\"policy\"} 2",
        "blinkchamber_bootstrap_repaired_total{area=\"role\"} 0",
        "blinkchamber_bootstrap_runs_total{result=\"ok\"} 2",
        "blinkchamber_bootstrap_runs_total{result=\"failed\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_rotation_shows_its_end() {
    let metrics = Metrics::new();
    metrics.rotated(&Credential {
        name: "redis-app".to_owned(),
        kind: "overlap",
        path: "secret/data/redis".to_owned(),
        step: Some("done".to_owned()),
        last_rotation: Some("2026-01-01T00:00:00Z".to_owned()),
    });
    let text = metrics.text();
    let line = "blinkchamber_bootstrap_last_rotation_timestamp_seconds{credential=\"redis-app\"} 1767225600.0";
    assert!(text.contains(line), "{text}");
}
