//! See [`blinkchamber_events`].

use std::process::ExitCode;

fn main() -> ExitCode {
    blinkchamber_events::run()
}
