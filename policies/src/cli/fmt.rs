//! `blinkchamber-policies fmt`

use std::fs;
use std::io;
use std::path::Path;

use blinkchamber_hcl::{FormatError, format};
use clap::Args;

use super::{Exit, Stopped, Streams, difference, read_all, text};

#[derive(Args)]
pub(super) struct Arguments {
    /// Policies: files, directories of .hcl files, or - for standard input, which is printed laid out
    #[arg(value_name = "FILE|DIR|-", required = true)]
    files: Vec<String>,
    /// Change nothing; name the files that are not laid out
    #[arg(long)]
    check: bool,
    /// Change nothing; show what would change
    #[arg(long)]
    diff: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let mut exit = Exit::Success;
    for (name, bytes) in read_all(&arguments.files, &["hcl"], streams.input)? {
        let before = text(&name, bytes)?;
        let after = match format(&before) {
            Ok(after) => after,
            Err(error) => {
                report(streams.errors, &name, &error)?;
                exit = Exit::Findings;
                continue;
            }
        };
        let piped = name == "standard input";
        if arguments.check || arguments.diff {
            if before != after {
                exit = Exit::Findings;
                if arguments.check {
                    writeln!(streams.output, "{name}")?;
                }
                if arguments.diff {
                    streams.output.write_all(difference::unified(&name, &before, &after).as_bytes())?;
                }
            }
        } else if piped {
            streams.output.write_all(after.as_bytes())?;
        } else if before != after {
            replace(Path::new(&name), &after).map_err(|error| Stopped::failure(format!("{name}: {error}")))?;
            writeln!(streams.output, "{name}")?;
        }
    }
    Ok(exit)
}

fn report(errors: &mut dyn io::Write, name: &str, error: &FormatError) -> io::Result<()> {
    match error {
        FormatError::Syntax(found) => found.iter().try_for_each(|error| writeln!(errors, "{name}:{error}")),
        FormatError::Comment(_) => writeln!(errors, "{name}:{error}"),
        _ => writeln!(errors, "{name}: {error}"),
    }
}

/// The new text is complete before it has the file's name, and has the file's permissions. A link stays one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = fs::write(&new, text)
        .and_then(|()| fs::set_permissions(&new, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        fs::remove_file(&new).ok();
    }
    written
}
