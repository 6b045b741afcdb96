use std::collections::BTreeSet;

use super::Metrics;
use crate::Failure;
use crate::converge::session::{Account, Area};
use crate::rotate::Credential;

const PAGE: &str = include_str!("../../../../docs/reference/bootstrap.md");

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
        step: Some("done".to_owned()),
        last_rotation: Some("2026-01-01T00:00:00Z".to_owned()),
        ..credential("redis-app")
    });
    let text = metrics.text();
    for line in [
        "blinkchamber_bootstrap_last_rotation_timestamp_seconds{credential=\"redis-app\"} 1767225600.0",
        "blinkchamber_bootstrap_unchanged_since_timestamp_seconds{credential=\"redis-app\"} 1767225600.0",
        "blinkchamber_bootstrap_rotation_under_way{credential=\"redis-app\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn one_that_never_rotated_is_as_old_as_its_secret() {
    let metrics = Metrics::new();
    metrics.rotated(&Credential { created: Some("2026-01-01T00:00:00Z".to_owned()), ..credential("redis-app") });
    let text = metrics.text();
    let line = "blinkchamber_bootstrap_unchanged_since_timestamp_seconds{credential=\"redis-app\"} 1767225600.0";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("last_rotation_timestamp_seconds{"), "{text}");
}

#[test]
fn a_rotation_under_way_leaves_the_age_as_it_was() {
    let metrics = Metrics::new();
    metrics.rotated(&Credential { created: Some("2026-01-01T00:00:00Z".to_owned()), ..credential("redis-app") });
    metrics.rotated(&Credential { step: Some("announced".to_owned()), ..credential("redis-app") });
    let text = metrics.text();
    assert!(text.contains("rotation_under_way{credential=\"redis-app\"} 1"), "{text}");
    assert!(text.contains("unchanged_since_timestamp_seconds{credential=\"redis-app\"} 1767225600.0"), "{text}");
}

#[test]
fn the_page_lists_every_metric_and_no_other() {
    let metrics = Metrics::new();
    metrics.ran(&Ok(Account::default()));
    metrics.limit_age(60);
    let time = Some("2026-01-01T00:00:00Z".to_owned());
    metrics.rotated(&Credential { step: Some("done".to_owned()), last_rotation: time, ..credential("x") });
    let text = metrics.text();
    let known: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE blinkchamber_bootstrap_")).collect();
    let (_, section) = PAGE.split_once("\n## Metrics\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("` | ")?;
            let kind = rest.split_once(" |")?.0;
            Some(format!("{} {kind}", name.strip_suffix("_total").unwrap_or(name)))
        })
        .collect();
    assert_eq!(listed, known.into_iter().map(str::to_owned).collect());
    assert!(text.contains("blinkchamber_bootstrap_rotation_max_age_seconds 60\n"), "{text}");
}

/// One that never rotated.
fn credential(name: &str) -> Credential {
    Credential {
        name: name.to_owned(),
        kind: "overlap",
        path: "secret/data/redis".to_owned(),
        step: None,
        last_rotation: None,
        created: None,
    }
}
