use super::*;

#[test]
fn names_and_units_are_as_promised_and_namespaces_are_bounded() {
    let metrics = Metrics::new();
    metrics.request("injected", Duration::from_micros(70));
    metrics.leaf_issued.inc();
    metrics.bundle_patch("written");
    for n in 0..NAMESPACES + 10 {
        metrics.injection(&format!("ns-{n}"));
    }
    metrics.injection("ns-0");
    let text = metrics.text().unwrap();
    for line in [
        "blinkchamber_webhook_requests_total{outcome=\"injected\"} 1",
        "blinkchamber_webhook_request_seconds_bucket{le=\"0.0001\"} 1",
        "blinkchamber_webhook_leaf_issued_total 1",
        "blinkchamber_webhook_ca_bundle_patches_total{outcome=\"written\"} 1",
        "blinkchamber_webhook_injections_total{namespace=\"ns-0\"} 2",
        "blinkchamber_webhook_injections_total{namespace=\"_other\"} 10",
    ] {
        assert!(text.lines().any(|there| there == line), "{line} in {text}");
    }
    let series = text.lines().filter(|line| line.starts_with("blinkchamber_webhook_injections_total{")).count();
    assert_eq!(series, NAMESPACES + 1);
}
