//! `deposit`: puts what a program made itself (a first token) into OpenBao, once, with a login that can do nothing else.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::converge::session::{Patience, Session};
use crate::{Failure, access};

/// Settings of `deposit`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// The server.
    #[command(flatten)]
    pub access: access::Options,
    /// Role to log in with; it needs `create` on the path.
    #[arg(long, env = "BLINKCHAMBER_ROLE")]
    pub role: String,
    /// Where to: a path of KV version 2, such as secret/data/shop.
    #[arg(long)]
    pub path: String,
    /// Key and the file that holds its value, key=/file; a line end at the end of the file is not part of it.
    #[arg(long = "entry", required = true, value_parser = parse_entry)]
    pub entries: Vec<Entry>,
    /// Seconds until it gives up.
    #[arg(long, env = "BLINKCHAMBER_TIMEOUT", default_value_t = 300)]
    pub timeout: u64,
}

/// One key of the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    key: String,
    file: PathBuf,
}

fn parse_entry(text: &str) -> Result<Entry, String> {
    match text.split_once('=') {
        Some((key, file)) if !key.is_empty() && !file.is_empty() => Ok(Entry { key: key.into(), file: file.into() }),
        _ => Err("must be key=/file".into()),
    }
}

/// Writes the secret when its files are there. Files that are all missing mean that there is nothing new, which is what a
/// second run of whoever makes them leaves behind.
///
/// # Errors
/// [`Failure`]: some files are missing, the secret exists already, or the server cannot be reached.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let Some(values) = read(&options.entries)? else {
        writeln!(out, "deposit: there is nothing new for {}", options.path).ok();
        return Ok(());
    };
    let limit = Duration::from_secs(options.timeout);
    let server = options.access.server(limit, |line| drop(writeln!(out, "deposit: {line}")))?;
    let mut session = Session::new(server, limit, out);
    let token = session.retry(Patience::Everything, None, |server| options.access.log_in(server, &options.role))?;
    let mut session = session.with_token(&token)?;
    // Never over what is there: the login may not even do it.
    let body = json!({"options": {"cas": 0}, "data": values});
    session.retry(Patience::Passing, None, |server| server.write(&options.path, &body))?;
    session.say(&format!("deposited in {}", options.path));
    session.server.write("auth/token/revoke-self", &json!({})).ok();
    Ok(())
}

fn read(entries: &[Entry]) -> Result<Option<Map<String, Value>>, Failure> {
    let (mut values, mut missing) = (Map::new(), Vec::new());
    for Entry { key, file } in entries {
        match fs::read_to_string(file) {
            Ok(text) if text.trim_end().is_empty() => {
                return Err(Failure::Failed(format!("{}: is empty", file.display())));
            }
            Ok(text) => {
                values.insert(key.clone(), text.trim_end_matches(['\r', '\n']).into());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push(file.display().to_string()),
            Err(error) => return Err(Failure::Unreachable(format!("{}: {error}", file.display()))),
        }
    }
    match (values.is_empty(), missing.is_empty()) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(values)),
        (false, false) => Err(Failure::Failed(format!("{}: missing, while others are there", missing.join(", ")))),
    }
}
