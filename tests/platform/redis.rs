//! (b), (c), (i) Redis behind HAProxy: what a replica has confirmed is never lost whatever ends, the younger data wins when
//! everything was gone, and every user's password is replaced under load.

mod failover;
mod group;
mod rotation;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::load::Session;
use blinkchamber_tests::redis::{Door, Password, Report, Writer};

use self::group::{GROUPS, service};

/// A client of each group at work.
pub(crate) struct Clients(Vec<(String, Writer)>);

impl Clients {
    #[track_caller]
    pub(crate) fn start(sessions: &[Session]) -> Self {
        let door = Door::new(&Operator::login());
        let password = Password::follow("redis/app", "app");
        let all = (0..GROUPS).flat_map(|group| sessions.iter().map(move |session| (group, *session)));
        Self(
            all.map(|(group, session)| {
                let kind = if session == Session::Kept { "kept" } else { "fresh" };
                (format!("group {group}, {kind}"), Writer::start(&door, &service(group), session, &password))
            })
            .collect(),
        )
    }

    #[track_caller]
    pub(crate) fn go_on(&self, what: &str) {
        for (name, writer) in &self.0 {
            writer.goes_on(&format!("{name}: {what}"));
        }
    }

    /// Ends them, says what they saw, and proves that nothing is lost that a replica had confirmed.
    #[track_caller]
    pub(crate) fn finish(self, what: &str) -> Vec<Report> {
        let reports = self.0.into_iter().map(|(name, writer)| {
            let report = writer.finish();
            println!("{what}: {name}: {}", report.line());
            assert_eq!(report.lost.1, 0, "{what}: {name}: writes lost that a replica had confirmed");
            report
        });
        reports.collect()
    }
}
