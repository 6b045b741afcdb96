//! The reference page of the annotations, written from the table.

use std::fmt::Write;

use crate::annotations::{Entry, Kind, Modes, REGISTRY, Status};

#[cfg(test)]
mod tests;

/// The version whose annotations the page does not date one by one.
const FIRST: &str = "0.1.0";

const INTRODUCTION: &str = "\
<!-- Written by `cargo run -p blinkchamber-contract --example annotations > docs/reference/annotations.md`; do not edit. -->

# Annotations

A pod asks for its secrets with annotations. Each is read with three prefixes: `blinkchamber.io/`, `vault.hashicorp.com/`
and `openbao.org/`. Where one name stands with several prefixes, the first of this list counts, and a warning says so
when the values differ. `<name>` is the name of a secret, which you choose, or of a setting.

A pod with a value that cannot be honoured is refused; the message names the annotation, the value and what is accepted,
for every problem at once. Names that are not in these tables are ignored with a warning that suggests the nearest one.

Everything below is read since version 0.1.0 unless it says otherwise. True and false may also be written as Go reads
them (1, t, T, TRUE, 0, f, ...), and empty is false. Modes: *native* is one agent as an init container that keeps
running, *classic* is an init container and a sidecar as vault-k8s writes them, and is not available yet.

```yaml
metadata:
  annotations:
    blinkchamber.io/agent-inject: \"true\"
    blinkchamber.io/role: shop
    blinkchamber.io/agent-inject-secret-db: database/creds/shop
    blinkchamber.io/agent-reload-db: signal:HUP:shop-server
```
";

/// The page `docs/reference/annotations.md`.
#[must_use]
pub fn annotations_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in REGISTRY {
        // Writing to a text cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| annotation | value | default | mode | meaning |\n|---|---|---|---|---|\n",
            group.title
        );
        for entry in group.entries {
            let _ = writeln!(page, "{}", row(entry));
        }
    }
    page
}

fn row(entry: &Entry) -> String {
    let modes = match entry.modes {
        Modes::Native => "native",
        Modes::Classic => "classic",
        Modes::Both => "both",
    };
    let status = match entry.status {
        Status::Supported => String::new(),
        Status::NoEffect(reason) => format!(" **No effect**, with a warning: {reason}."),
        Status::Later(reason) => format!(" **Refused for now**: {reason}."),
        Status::Written => " **Written** by the injector.".to_owned(),
    };
    let since = if entry.since == FIRST { String::new() } else { format!(" Since {}.", entry.since) };
    let cells = [
        format!("`{}`", entry.pattern()),
        value(entry.kind),
        entry.default.to_owned(),
        modes.to_owned(),
        format!("{}{status}{since}", entry.doc),
    ];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// The spellings of true and false are many; the page names the usual ones.
fn value(kind: Kind) -> String {
    if kind == Kind::Bool { "true or false".to_owned() } else { kind.expected() }
}
