//! Decisions of the policy evaluator, on one core: the compiled tree beside the search through every rule.

use std::hint::black_box;
use std::time::Instant;

use blinkchamber_policies::evaluate::{Acl, Context, Operation, Request, Source};
use blinkchamber_policies::policy::{Policy, parse};

use crate::table::{Peer, Table};

const POLICIES: usize = 20;
const RULES: usize = 50;
/// Many enough that no lookup is warm by itself.
const PATHS: usize = 5_000;

/// A token of 20 policies with 50 rules each, exact paths, globs and whole-segment wildcards among them.
pub(crate) fn measure(table: &mut Table) {
    let policies: Vec<Policy> = (0..POLICIES).map(policy).collect();
    let sources: Vec<_> = policies.iter().map(|policy| Source::new("p", policy)).collect();
    let acl = Acl::new(Context::default(), &sources).expect("no templates");
    let requests: Vec<_> = (0..PATHS).map(|index| Request::new(Operation::Read, &path(index))).collect();
    let allowed = requests.iter().filter(|request| acl.decide(request).allowed).count();
    let ours = per_second(200, &requests, |request| acl.decide(request).allowed);
    let naive =
        per_second(1, &requests, |request| !acl.candidates(&request.full_path(), request.operation()).is_empty());
    table.more("policy decisions, 1,000 rules; peer: a search through the rules", "/s", Peer::Live(naive), ours);
    table.note(format!("Policy decisions: {allowed} of {PATHS} requests allowed, one core."));
}

fn policy(number: usize) -> Policy {
    let rule = |index: usize| {
        let path = match index % 4 {
            0 => format!("secret/data/team{number}/app{index}"),
            1 => format!("secret/data/team{number}/app{index}/*"),
            2 => format!("secret/metadata/+/app{index}/team{number}"),
            _ => format!("database/creds/team{number}-{index}*"),
        };
        format!("path \"{path}\" {{ capabilities = [\"read\"] }}\n")
    };
    parse(&(0..RULES).map(rule).collect::<String>(), 0).expect("the server takes it")
}

fn path(index: usize) -> String {
    let (team, app) = (index % 25, index % 60);
    match index % 5 {
        0 => format!("secret/data/team{team}/app{app}"),
        1 => format!("secret/data/team{team}/app{app}/a/b"),
        2 => format!("secret/metadata/x{index}/app{app}/team{team}"),
        3 => format!("database/creds/team{team}-{app}-rw"),
        _ => format!("transit/sign/key{index}"),
    }
}

fn per_second(rounds: usize, requests: &[Request], decide: impl Fn(&Request) -> bool) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        for request in requests {
            black_box(decide(black_box(request)));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few million at most")]
    let count = (rounds * requests.len()) as f64;
    count / start.elapsed().as_secs_f64()
}
