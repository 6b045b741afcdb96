//! `make bench`: our programs beside the peer's, as ratios. `BENCH_ONLY` names a part to run it alone. Nothing is asserted: figures depend on the machine, and the table says on which one they were taken.

mod agent;
mod machine;
mod platform;
mod pods;
mod policies;
mod table;
mod webhook;
use table::Table;

/// Its name, and what adds its rows.
type Part = (&'static str, fn(&mut Table));

const PARTS: [Part; 5] = [
    ("agent", agent::measure),
    ("webhook", webhook::measure),
    ("policies", policies::measure),
    ("pods", pods::measure),
    ("platform", platform::measure),
];

fn main() {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let mut table = Table::default();
    PARTS.iter().filter(|(part, _)| only.is_empty() || only == *part).for_each(|(_, measure)| measure(&mut table));
    table.publish(&machine::describe(), only.is_empty());
}
