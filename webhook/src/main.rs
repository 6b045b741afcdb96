//! See [`blinkchamber_webhook`].

use std::process::ExitCode;

fn main() -> ExitCode {
    blinkchamber_webhook::run()
}
