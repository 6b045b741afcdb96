//! (b), (c), (d) PostgreSQL behind PgPool: no acknowledged row is lost whatever ends, every credential is replaced under
//! load, and data comes back from standbys and backups.

mod cluster;
mod failover;
mod recovery;
mod rotation;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::load::Session;
use blinkchamber_tests::postgres::{Door, Login, Writer};

/// Two clients at work: one with a kept session, one with a session for each row.
pub(crate) struct Clients {
    kept: Writer,
    fresh: Writer,
}

impl Clients {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let operator = Operator::login();
        let door = Door::new(&operator);
        let start = |session| {
            let operator = Operator::login();
            Writer::start(&door, session, move || Login::of_the_moment(&operator))
        };
        Self { kept: start(Session::Kept), fresh: start(Session::Fresh) }
    }

    #[track_caller]
    pub(crate) fn go_on(&self, what: &str) {
        self.kept.goes_on(what);
        self.fresh.goes_on(what);
    }

    /// Ends both, says what they saw, and gives how many errors each had.
    #[track_caller]
    pub(crate) fn finish(self, what: &str) -> [usize; 2] {
        let login = Login::of_the_moment(&Operator::login());
        [("kept", self.kept), ("fresh", self.fresh)].map(|(name, writer)| {
            let seen = writer.finish(Some(&login));
            println!("{what}: {name}: {} rows acknowledged, none lost, {}", seen.acknowledged.len(), seen.troubles());
            seen.failures()
        })
    }
}
