//! One run of the job: a server, a deadline, and the log of what happened.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::server::{RequestError, Server};

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

/// A run.
pub struct Session<'a, W> {
    /// The server, with a token.
    pub server: Server,
    out: &'a mut W,
    start: Instant,
    deadline: Instant,
    changed: usize,
    unchanged: usize,
}

impl<'a, W: Write> Session<'a, W> {
    /// Begins a run that must be over in `limit`.
    pub fn new(server: Server, limit: Duration, out: &'a mut W) -> Self {
        let start = Instant::now();
        Self { server, out, start, deadline: start + limit, changed: 0, unchanged: 0 }
    }

    /// The same run, with the token that the login gave.
    #[must_use]
    pub fn with_server(self, server: impl FnOnce(Server) -> Server) -> Self {
        Self { server: server(self.server), ..self }
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

    /// Counts and tells what a step did.
    pub fn report(&mut self, subject: &str, changed: Option<&str>) {
        match changed {
            Some(what) => {
                self.changed += 1;
                self.say(&format!("{subject}: {what}"));
            }
            None => {
                self.unchanged += 1;
                self.say(&format!("{subject}: as it should be"));
            }
        }
    }

    /// Counts what a step found as it should be.
    pub fn leave(&mut self, subject: &str, count: usize) {
        if count > 0 {
            self.unchanged += count;
            self.say(&format!("{subject}: {count} as they should be"));
        }
    }

    /// The last line.
    pub fn conclude(&mut self) {
        let line = format!("converged: {} changed, {} as they should be", self.changed, self.unchanged);
        self.say(&line);
    }

    /// Asks until it works, the deadline is over, or no further try makes sense. `hide` never appears in the log.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with the last error at the deadline, [`Failure::Failed`] for a lasting one.
    pub fn retry<T>(
        &mut self,
        patience: Patience,
        hide: Option<&str>,
        ask: impl Fn(&Server) -> Result<T, RequestError>,
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
