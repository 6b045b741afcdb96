use clap::CommandFactory;

use super::*;
use crate::http::{BODY_LIMIT, BODY_TIME, MOST_VALUES};
use crate::load::Most;
use crate::server::Limits;

#[test]
fn the_committed_page_is_the_programs() {
    let committed = include_str!("../../../docs/reference/webhook.md");
    assert!(
        committed == webhook_markdown(),
        "docs/reference/webhook.md is old: run `cargo run -p blinkchamber-webhook --example reference \
         > docs/reference/webhook.md`"
    );
}

#[test]
fn every_flag_and_every_variable_is_on_the_page() {
    let page = webhook_markdown();
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            let long = argument.get_long().unwrap();
            assert!(page.contains(&format!("--{long}")), "{long}");
            let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            assert!(page.contains(&variable), "{variable}");
        }
    }
}

#[test]
fn every_metric_is_on_the_page_with_its_label() {
    let page = webhook_markdown();
    for line in Metrics::sample().text().unwrap().lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(page.contains(&format!("| `{name}")), "{name}");
    }
    assert!(page.contains("| `blinkchamber_webhook_requests_total{outcome}` | counter |"), "{page}");
    assert!(page.contains("| `blinkchamber_webhook_injections_total{namespace}` | counter |"), "{page}");
}

#[test]
fn the_limits_on_the_page_are_the_programs() {
    let page = webhook_markdown();
    let (most, limits) = (Most::default(), Limits::default());
    for limit in [
        format!("more than {} MiB, or more than {MOST_VALUES} JSON values", BODY_LIMIT >> 20),
        format!("{} MiB of reviews and answers are in hand, or {} MiB for", most.bytes >> 20, most.bytes_of_one >> 20),
        format!("{} in all, {} from one address", most.connections, most.connections_of_one),
        format!("the body took longer than {} s", BODY_TIME.as_secs()),
        format!("handshake within {} s", limits.handshake.as_secs()),
        format!("its first request within {} s", limits.first_request.as_secs()),
        format!("for {} to {} minutes", limits.idle.as_secs() / 60, limits.idle.as_secs() / 30),
    ] {
        assert!(page.replace('\n', " ").contains(&limit), "{limit}");
    }
}

#[test]
fn the_admin_ports_endpoints_are_its_routes() {
    let router = include_str!("../admin.rs");
    let endpoints = ENDPOINTS.iter().filter(|(port, ..)| *port == "admin");
    for (_, _, path, _) in endpoints.clone() {
        assert!(router.contains(&format!(".route(\"{path}\", get(")), "{path}");
    }
    assert_eq!(router.matches(".route(").count(), endpoints.count());
}

#[test]
fn every_refusal_has_its_row() {
    for row in &ROWS {
        assert_eq!(row.refusal.row().outcome, row.outcome);
        assert_eq!(ROWS.iter().filter(|other| other.refusal == row.refusal).count(), 1, "{:?}", row.refusal);
    }
    // A kind without a row would be answered as the first one.
    let source = include_str!("../http/refusal.rs");
    let kinds = source.split("enum Refusal {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    assert_eq!(kinds.split(',').filter(|kind| !kind.trim().is_empty()).count(), ROWS.len());
}
