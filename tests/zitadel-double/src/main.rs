//! `zitadel-double`: see the library.

fn main() -> std::process::ExitCode {
    zitadel_double::run()
}
