//! `blinkchamber-agent`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    blinkchamber_agent::run()
}
