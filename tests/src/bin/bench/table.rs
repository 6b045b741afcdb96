//! The table that is printed and written.

use std::fmt::Write as _;

/// Where a peer's figure comes from.
pub(crate) enum Peer {
    /// Measured in this run.
    Live(f64),
    /// Measured on an equal machine earlier, because the peer cannot be installed here.
    Recorded(f64),
    /// There is none to compare with.
    None,
}

struct Row {
    what: &'static str,
    unit: &'static str,
    peer: Peer,
    ours: f64,
    more_is_better: bool,
}

/// Rows in the order they were measured.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Table {
    /// A figure of which less is better.
    pub(crate) fn less(&mut self, what: &'static str, unit: &'static str, peer: Peer, ours: f64) {
        self.push(Row { what, unit, peer, ours, more_is_better: false });
    }

    /// A figure of which more is better.
    pub(crate) fn more(&mut self, what: &'static str, unit: &'static str, peer: Peer, ours: f64) {
        self.push(Row { what, unit, peer, ours, more_is_better: true });
    }

    /// A line below the table.
    pub(crate) fn note(&mut self, text: String) {
        eprintln!("{text}");
        self.notes.push(text);
    }

    fn push(&mut self, row: Row) {
        eprintln!("{}: {} {}", row.what, figure(row.ours), row.unit);
        self.rows.push(row);
    }

    /// Prints the page; a complete one is kept.
    pub(crate) fn publish(&self, machine: &str, complete: bool) {
        let text = self.markdown(machine);
        print!("{text}");
        if complete {
            std::fs::write("docs/benchmarks.md", text).expect("run from the project's root");
        }
    }

    /// The page.
    fn markdown(&self, machine: &str) -> String {
        let mut text = format!(
            "# Benchmarks\n\nWritten by `make bench`. {machine}\n\n\
             | what | peer | ours | ratio |\n|---|---:|---:|---:|\n"
        );
        for row in &self.rows {
            let (peer, ratio) = match row.peer {
                Peer::Live(value) => (format!("{} {}", figure(value), row.unit), row.ratio(value)),
                Peer::None => ("-".to_owned(), "-".to_owned()),
                Peer::Recorded(value) => (format!("{} {} (recorded)", figure(value), row.unit), row.ratio(value)),
            };
            writeln!(text, "| {} | {peer} | {} {} | {ratio} |", row.what, figure(row.ours), row.unit)
                .expect("a string grows");
        }
        text.push_str(
            "\nRatio: how many times better ours is. *Recorded*: vault-k8s 1.7.6 measured earlier on a machine of this \
             size, because it cannot be installed here; every other figure is from this run.\n",
        );
        for note in &self.notes {
            writeln!(text, "\n{note}").expect("a string grows");
        }
        text
    }
}

impl Row {
    fn ratio(&self, peer: f64) -> String {
        let ratio = if self.more_is_better { self.ours / peer } else { peer / self.ours };
        format!("{ratio:.1}x")
    }
}

/// Three significant figures.
fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}
