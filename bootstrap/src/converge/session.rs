//! One run: a server, a deadline, and the account of what was found and changed.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use blinkchamber_policies::apply::{ServerError, Vault};
use secrecy::SecretString;

use crate::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Refusals in a row after which a refusal is believed: a standby may not know yet what the leader wrote a moment ago.
const REFUSALS: usize = 3;
/// Between two lines about the same obstacle.
const REMINDER: Duration = Duration::from_secs(20);

/// Which errors are worth another try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// Those that pass by themselves; the others mean, when they come again, that something is wrong.
    Passing,
    /// All: what is waited for says in many ways that it is not there yet.
    Everything,
}

/// What a run does with a difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Puts it right.
    Repair,
    /// Only tells.
    Look,
}

/// What kind of thing a step is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Area {
    /// The auth method.
    Auth,
    /// Connections and roles of the database engine.
    Database,
    /// Mounts.
    Mount,
    /// The PKI engine's root and roles.
    Pki,
    /// Policies.
    Policy,
    /// Roles of the auth method.
    Role,
    /// First secrets.
    Secret,
}

impl Area {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Auth, Self::Database, Self::Mount, Self::Pki, Self::Policy, Self::Role, Self::Secret];

    /// The word for logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Database => "database",
            Self::Mount => "mount",
            Self::Pki => "pki",
            Self::Policy => "policy",
            Self::Role => "role",
            Self::Secret => "secret",
        }
    }
}

/// What a run found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// One line for each difference.
    pub differences: Vec<String>,
    /// Differences by area.
    pub by_area: BTreeMap<Area, usize>,
    /// Things that were as they should be.
    pub unchanged: usize,
}

/// A run.
pub struct Session<'a, W> {
    /// The server, with a token.
    pub server: Vault,
    /// What it found so far.
    pub account: Account,
    mode: Mode,
    quiet: bool,
    out: &'a mut W,
    start: Instant,
    deadline: Instant,
}

impl<'a, W: Write> Session<'a, W> {
    /// Begins a run that must be over in `limit`.
    pub fn new(server: Vault, limit: Duration, out: &'a mut W) -> Self {
        let start = Instant::now();
        let (mode, quiet) = (Mode::Repair, false);
        Self { server, account: Account::default(), mode, quiet, out, start, deadline: start + limit }
    }

    /// The same run in another mode.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The same run, which only tells of what is not as it should be.
    #[must_use]
    pub fn quietly(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// The same run, with the token that the login gave.
    ///
    /// # Errors
    /// [`Failure::Failed`] for a token that no server gives.
    pub fn with_token(self, token: &SecretString) -> Result<Self, Failure> {
        let server = self.server.with_token(token).map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { server, ..self })
    }

    /// What the run does with a difference.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Time that is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// One line with the seconds since the start.
    pub fn say(&mut self, line: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        // A log that nobody takes is no reason to leave the server half-made.
        writeln!(self.out, "converge: {seconds:6.1}s {line}").ok();
    }

    /// Counts what a step found as it should be.
    pub fn keep(&mut self, subject: &str) {
        self.account.unchanged += 1;
        if !self.quiet {
            self.say(&format!("{subject}: as it should be"));
        }
    }

    /// Counts several.
    pub fn keep_many(&mut self, subject: &str, count: usize) {
        self.account.unchanged += count;
        if count > 0 && !self.quiet {
            self.say(&format!("{subject}: {count} as they should be"));
        }
    }

    /// Counts and tells a difference, in the words of what was done about it.
    pub fn differ(&mut self, area: Area, subject: &str, done: &str) {
        let line = match self.mode {
            Mode::Repair => format!("{subject}: {done}"),
            Mode::Look => format!("{subject}: not as it should be (would be {done})"),
        };
        *self.account.by_area.entry(area).or_default() += 1;
        self.say(&line);
        self.account.differences.push(line);
    }

    /// Tells a difference and, when the run may, puts it right before.
    ///
    /// # Errors
    /// As [`Session::retry`].
    pub fn change(
        &mut self,
        area: Area,
        subject: &str,
        done: &str,
        write: impl Fn(&Vault) -> Result<(), ServerError>,
    ) -> Result<(), Failure> {
        if self.mode == Mode::Repair {
            self.retry(Patience::Passing, None, write)?;
        }
        self.differ(area, subject, done);
        Ok(())
    }

    /// The last line.
    pub fn conclude(&mut self) {
        let (changed, unchanged) = (self.account.differences.len(), self.account.unchanged);
        let line = match self.mode {
            Mode::Repair => format!("converged: {changed} changed, {unchanged} as they should be"),
            Mode::Look => format!("{changed} different, {unchanged} as they should be"),
        };
        if changed > 0 || !self.quiet {
            self.say(&line);
        }
    }

    /// Asks until it works, the deadline is over, or no further try makes sense. `hide` never appears in the log.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with the last error at the deadline, [`Failure::Failed`] for a lasting one.
    pub fn retry<T>(
        &mut self,
        patience: Patience,
        hide: Option<&str>,
        ask: impl Fn(&Vault) -> Result<T, ServerError>,
    ) -> Result<T, Failure> {
        let mut pause = FIRST_PAUSE;
        let (mut told, mut next_line) = (String::new(), self.start);
        let mut refusals = 0;
        loop {
            let error = match ask(&self.server) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let mut text = error.to_string();
            if let Some(secret) = hide.filter(|secret| !secret.is_empty()) {
                text = text.replace(secret, "(hidden)");
            }
            refusals = if error.is_transient() { 0 } else { refusals + 1 };
            if patience == Patience::Passing && refusals >= REFUSALS {
                return Err(Failure::Failed(text));
            }
            if self.left().is_zero() {
                return Err(Failure::Unreachable(format!("gave up at the deadline: {text}")));
            }
            if text != told || Instant::now() >= next_line {
                self.say(&format!("waiting: {text}"));
                told = text;
                next_line = Instant::now() + REMINDER;
            }
            thread::sleep(pause.min(self.left()));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests;
