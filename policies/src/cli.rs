//! The command line.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;

use clap::{Parser, Subcommand, ValueEnum};

mod apply;
mod compile;
mod diff;
mod difference;
mod eval;
mod explain;
mod fmt;
mod lint;
mod parse;
mod request;
mod rules;
#[cfg(test)]
mod tests;
mod token;
mod who_can;

/// Compiles, lints and applies least-privilege policies and roles.
#[derive(Parser)]
#[command(name = "blinkchamber-policies", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a server equal to a compiled set; the difference is shown first
    Apply(apply::Arguments),
    /// Write the policies and roles that rendered manifests need
    Compile(compile::Arguments),
    /// Show where two sets of policies allow something else, with a path for each change
    Diff(diff::Arguments),
    /// Say what a token with these policies may do, as sys/capabilities answers
    Eval(eval::Arguments),
    /// Show which rule answers to a request, and why the others that match do not
    Explain(explain::Arguments),
    /// Lay out policies as `policy fmt` does
    Fmt(fmt::Arguments),
    /// Find what a server would refuse in policies, and what can hardly be meant
    Lint(lint::Arguments),
    /// Say whether the server takes a policy, and what it answers if not
    Parse(parse::Arguments),
    /// Decide about one request of a token with these policies
    Request(request::Arguments),
    /// Find who may do something among policies, roles and manifests
    WhoCan(who_can::Arguments),
    /// Print the rules of the linter, or the page of one
    Rules(rules::Arguments),
}

/// How an answer is printed.
#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// How a command ended; the number is the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done, nothing found.
    Success = 0,
    /// Findings, or manifests that cannot be compiled.
    Findings = 1,
    /// Wrong arguments or configuration.
    Usage = 2,
    /// A server, the network or a file failed.
    Failure = 3,
}

/// Where a command reads and writes.
pub struct Streams<'a> {
    /// Read for `-`.
    pub input: &'a mut dyn Read,
    /// Results.
    pub output: &'a mut dyn Write,
    /// Errors and notes.
    pub errors: &'a mut dyn Write,
}

/// A command that could not be carried out.
#[derive(Debug)]
struct Stopped {
    exit: Exit,
    message: String,
}

impl Stopped {
    fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    fn failure(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failure, message: message.into() }
    }
}

impl From<io::Error> for Stopped {
    /// Whoever reads our output may stop when he has seen enough.
    fn from(error: io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Success } else { Exit::Failure };
        Self { exit, message: error.to_string() }
    }
}

/// Runs a command line, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>, mut streams: Streams<'_>) -> Exit {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let (exit, out) =
                if error.use_stderr() { (Exit::Usage, streams.errors) } else { (Exit::Success, streams.output) };
            let _ = write!(out, "{error}");
            return exit;
        }
    };
    let result = match parsed.command {
        Command::Apply(arguments) => apply::run(&arguments, &mut streams),
        Command::Compile(arguments) => compile::run(&arguments, &mut streams),
        Command::Diff(arguments) => diff::run(&arguments, &mut streams),
        Command::Eval(arguments) => eval::run(&arguments, &mut streams),
        Command::Explain(arguments) => explain::run(&arguments, &mut streams),
        Command::Fmt(arguments) => fmt::run(&arguments, &mut streams),
        Command::Lint(arguments) => lint::run(&arguments, &mut streams),
        Command::Parse(arguments) => parse::run(&arguments, &mut streams),
        Command::Request(arguments) => request::run(&arguments, &mut streams),
        Command::WhoCan(arguments) => who_can::run(&arguments, &mut streams),
        Command::Rules(arguments) => rules::run(&arguments, &mut streams),
    };
    let result = result.and_then(|exit| Ok(streams.output.flush().map(|()| exit)?));
    result.unwrap_or_else(|stopped| {
        if stopped.exit != Exit::Success {
            let _ = writeln!(streams.errors, "error: {}", stopped.message);
        }
        stopped.exit
    })
}

/// Texts larger than this are no policies and no manifests.
const MAX_TEXT: u64 = 64 << 20;

/// Files and their bytes: `-` is standard input, a directory stands for the files in it that end in one of the extensions.
fn read_all(names: &[String], extensions: &[&str], input: &mut dyn Read) -> Result<Vec<(String, Vec<u8>)>, Stopped> {
    let mut files = Vec::new();
    for name in names {
        if name == "-" {
            files.push(("standard input".to_owned(), read_text(name, input)?));
        } else {
            collect(Path::new(name), extensions, true, &mut files)?;
        }
    }
    Ok(files)
}

fn collect(path: &Path, extensions: &[&str], named: bool, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Stopped> {
    let shown = path.display().to_string();
    let failed = |error: io::Error| Stopped::failure(format!("{shown}: {error}"));
    if path.is_dir() {
        let entries = path.read_dir().and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            // A symbolic link to a directory could lead in circles.
            let circle = path.is_symlink() && path.is_dir();
            if !hidden && !circle {
                collect(&path, extensions, false, files)?;
            }
        }
        return Ok(());
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if named || extensions.contains(&extension) {
        let mut file = std::fs::File::open(path).map_err(failed)?;
        files.push((shown.clone(), read_text(&shown, &mut file)?));
    }
    Ok(())
}

fn read_text(name: &str, input: &mut dyn Read) -> Result<Vec<u8>, Stopped> {
    let mut bytes = Vec::new();
    input.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|error| Stopped::failure(format!("{name}: {error}")))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(Stopped::usage(format!("{name}: larger than {} MiB", MAX_TEXT >> 20)));
    }
    Ok(bytes)
}

/// The text of a file, or where it stops being UTF-8.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, Stopped> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        Stopped { exit: Exit::Findings, message: format!("{name}: line {line} is not UTF-8") }
    })
}
