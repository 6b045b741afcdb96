//! Prints the reference page of the program.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(blinkchamber_webhook::docs::webhook_markdown().as_bytes())
}
