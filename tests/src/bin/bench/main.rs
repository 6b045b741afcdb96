//! `make bench`: our programs beside the peer's, as ratios. `BENCH_ONLY=agent`, `webhook`, `policies`,
//! `pods` or `platform` runs a part.
//! Nothing is asserted: figures depend on the machine, and the table says on which one they were taken.

mod agent;
mod machine;
mod platform;
mod pods;
mod policies;
mod table;
mod webhook;
use table::Table;

fn main() {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let mut table = Table::default();
    let wanted = |part: &str| only.is_empty() || only == part;
    if wanted("agent") {
        agent::measure(&mut table);
    }
    if wanted("webhook") {
        webhook::measure(&mut table);
    }
    if wanted("policies") {
        policies::measure(&mut table);
    }
    if wanted("pods") {
        pods::measure(&mut table);
    }
    if wanted("platform") {
        platform::measure(&mut table);
    }
    let text = table.markdown(&machine::describe());
    print!("{text}");
    if only.is_empty() {
        std::fs::write("docs/benchmarks.md", text).expect("run from the project's root");
    }
}
