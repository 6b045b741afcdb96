//! `blinkchamber-policies`: see `docs/reference/policies.md`.

use std::io::{BufWriter, stderr, stdin, stdout};
use std::process::ExitCode;

use blinkchamber_policies::{Streams, run};

fn main() -> ExitCode {
    let mut output = BufWriter::new(stdout().lock());
    let streams = Streams { input: &mut stdin().lock(), output: &mut output, errors: &mut stderr().lock() };
    ExitCode::from(run(std::env::args_os(), streams) as u8)
}
