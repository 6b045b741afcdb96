//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::Targets;

use crate::classify::Queue;

/// The bridge: ZITADEL's events into prioritised Redis lists.
#[derive(Parser)]
#[command(name = "blinkchamber-events", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the bridge.
    Serve(Serve),
    /// Say whether a configuration can be used.
    Check(ConfigFile),
    /// Say what types map to; without types, find rows of the table that no event reaches.
    Classify(Classify),
    /// Print the oldest entries of a list without taking them.
    Peek(Peek),
    /// Put dead letters back into their lists.
    Replay(Replay),
    /// Run a program for each event of a list, and take an event away when the program has succeeded.
    Consume(Consume),
}

#[derive(Args)]
pub(crate) struct ConfigFile {
    /// Configuration, YAML.
    #[arg(long = "config", env = "BLINKCHAMBER_EVENTS_CONFIG", value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Name of this replica.
    #[arg(long, env = "BLINKCHAMBER_EVENTS_IDENTITY")]
    pub(crate) identity: String,
    /// Log lines as JSON.
    #[arg(long, env = "BLINKCHAMBER_EVENTS_LOG_JSON")]
    pub(crate) log_json: bool,
    /// What is logged, such as info or warn,blinkchamber_events=debug.
    #[arg(long, env = "BLINKCHAMBER_EVENTS_LOG", default_value = "info")]
    pub(crate) log: Targets,
}

#[derive(Args)]
pub(crate) struct Classify {
    /// Configuration; without it the default table.
    #[arg(long = "config", env = "BLINKCHAMBER_EVENTS_CONFIG", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Types, such as user.human.added.
    pub(crate) types: Vec<String>,
}

/// A list of the bridge.
#[derive(Clone, Copy)]
pub(crate) enum List {
    Queue(Queue),
    DeadLetter,
}

impl List {
    fn parse(name: &str) -> Result<Self, String> {
        match Queue::named(name) {
            Some(queue) => Ok(Self::Queue(queue)),
            None if name == "dead_letter" => Ok(Self::DeadLetter),
            None => Err("must be high, normal, low or dead_letter".into()),
        }
    }
}

#[derive(Args)]
pub(crate) struct Peek {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// high, normal, low or dead_letter.
    #[arg(long, value_parser = List::parse)]
    pub(crate) queue: List,
    /// Entries.
    #[arg(long, default_value_t = 10)]
    pub(crate) count: u32,
}

#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Most letters; without it all that are there now.
    #[arg(long)]
    pub(crate) count: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Consume {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// high, normal or low.
    #[arg(long, value_parser = parse_queue)]
    pub(crate) queue: Queue,
    /// Name of this consumer: what it was working on when it died is found under it.
    #[arg(long, env = "BLINKCHAMBER_EVENTS_IDENTITY")]
    pub(crate) name: String,
    /// Ends when the list is empty.
    #[arg(long)]
    pub(crate) once: bool,
    /// Runs of the program before an event goes to the dead letters.
    #[arg(long, default_value_t = 5)]
    pub(crate) attempts: u32,
    /// The program and its arguments; an event is its standard input.
    #[arg(long, num_args = 1.., required = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) exec: Vec<String>,
}

fn parse_queue(name: &str) -> Result<Queue, String> {
    Queue::named(name).ok_or_else(|| "must be high, normal or low".into())
}
