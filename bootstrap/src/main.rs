//! `blinkchamber-bootstrap`: see the library.

fn main() -> std::process::ExitCode {
    blinkchamber_bootstrap::run()
}
