//! Prints the reference page of the annotations.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(blinkchamber_contract::docs::annotations_markdown().as_bytes())
}
