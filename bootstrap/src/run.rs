//! `run`: the loop. Of several pods one holds a Lease, and brings the server to the desired state again and again: what
//! drifted is put right, and told as a metric and as an Event. The others wait, and answer for what the holder has done.

mod http;
pub mod metrics;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::metrics::Metrics;
use crate::converge::session::{Account, Mode};
use crate::converge::{self, Inputs, Manner};
use crate::desired::seconds;
use crate::events::Events;
use crate::kubernetes::Api;
use crate::lease::{Lease, VALID};
use crate::{Failure, rotate};

/// Where the holder notes which state it has brought about.
const CONVERGED: &str = "blinkchamber.io/converged";
/// Between two renewals of the Lease, and two looks of those who wait.
const RENEW: Duration = Duration::from_secs(3);
/// After a run that failed.
const SOON: Duration = Duration::from_secs(2);
/// For what a rotation's beginner left undone.
const OVERDUE: Duration = Duration::from_secs(60);

/// Settings of `run`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Options {
    /// What to bring about, and where.
    #[command(flatten)]
    pub converge: converge::Options,
    /// `namespace/name` of the Lease.
    #[arg(long, env = "BLINKCHAMBER_LEASE")]
    pub lease: String,
    /// This pod.
    #[arg(long, env = "BLINKCHAMBER_POD_NAME")]
    pub pod_name: String,
    /// Seconds between two runs.
    #[arg(long, env = "BLINKCHAMBER_INTERVAL", default_value_t = 30)]
    pub interval: u64,
    /// How old a credential may become before it is replaced, such as 2160h; 0s for any age. It is told as a metric only.
    #[arg(long, env = "BLINKCHAMBER_ROTATION_MAX_AGE", default_value = "0s")]
    pub rotation_max_age: String,
    /// Address of /livez, /readyz and /metrics.
    #[arg(long, env = "BLINKCHAMBER_ADMIN_LISTEN", default_value = "0.0.0.0:8080")]
    pub admin_listen: std::net::SocketAddr,
}

/// What the threads share.
pub(crate) struct State {
    pub(crate) metrics: Metrics,
    /// The desired state of this pod has been brought about, by whomever.
    pub(crate) converged: AtomicBool,
    leads: AtomicBool,
    ends: AtomicBool,
}

/// Runs until it is told to end.
///
/// # Errors
/// [`Failure`] for unusable settings, or a port that cannot be had.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let inputs = Inputs::read(&options.converge)?;
    let max_age = seconds(&options.rotation_max_age).ok_or_else(|| {
        Failure::Configuration(format!(
            "--rotation-max-age {:?}: must be a duration such as 2160h",
            options.rotation_max_age
        ))
    })?;
    let api_options = &options.converge.access.api;
    let lease = || Lease::new(Api::new(api_options)?, &options.lease, &options.pod_name);
    let state = Arc::new(State {
        metrics: Metrics::new(),
        converged: AtomicBool::new(false),
        leads: AtomicBool::new(false),
        ends: AtomicBool::new(false),
    });
    state.metrics.limit_age(max_age);
    http::serve(options.admin_listen, Arc::clone(&state))?;
    let holding = {
        let (mut lease, state) = (lease()?, Arc::clone(&state));
        thread::spawn(move || hold(&mut lease, &state, &mut io::stdout()))
    };
    let (notes, events) = (lease()?, Events::new(Api::new(api_options)?, &options.lease, &options.pod_name)?);
    let leader = Leader { options, inputs: &inputs, notes: &notes, events: &events };
    let mut first = true;
    while !state.ends.load(Ordering::Relaxed) {
        let pause = if state.leads.load(Ordering::Relaxed) {
            leader.turn(&state, std::mem::take(&mut first), out)
        } else {
            first = true;
            let noted = notes.note(CONVERGED).ok().flatten();
            state.converged.store(noted.as_ref() == Some(&inputs.fingerprint), Ordering::Relaxed);
            SOON
        };
        rest(pause, &state);
    }
    state.ends.store(true, Ordering::Relaxed);
    holding.join().map_err(|_| Failure::Failed("the thread that holds the Lease ended badly".to_owned()))
}

/// Holds the Lease while it can, and gives it back at the end.
fn hold(lease: &mut Lease, state: &State, out: &mut impl Write) {
    let mut held_at: Option<Instant> = None;
    let mut told = String::new();
    while !state.ends.load(Ordering::Relaxed) {
        let now = Instant::now();
        match lease.hold(now) {
            Ok(true) => held_at = Some(now),
            Ok(false) => held_at = None,
            Err(error) => {
                let text = error.to_string();
                if text != told {
                    writeln!(out, "run: {text}").ok();
                    told = text;
                }
            }
        }
        // Others may take it as soon as it has not been renewed for its validity.
        let leads = held_at.is_some_and(|held| now.saturating_duration_since(held) + RENEW * 2 < VALID);
        if state.leads.swap(leads, Ordering::Relaxed) != leads {
            writeln!(out, "run: {}", if leads { "this pod leads" } else { "another pod leads" }).ok();
        }
        state.metrics.leader.set(i64::from(leads));
        rest(RENEW, state);
    }
    lease.release().ok();
}

/// The work of the pod that leads.
struct Leader<'a> {
    options: &'a Options,
    inputs: &'a Inputs,
    notes: &'a Lease,
    events: &'a Events,
}

impl Leader<'_> {
    /// One run; how long to wait for the next.
    fn turn(&self, state: &State, loud: bool, out: &mut impl Write) -> Duration {
        let limit = Duration::from_secs(self.options.converge.timeout);
        let manner = Manner { mode: Mode::Repair, quiet: !loud, limit };
        let result = converge::once(&self.options.converge, self.inputs, manner, out);
        state.metrics.ran(&result);
        match result {
            Ok(account) => {
                self.succeeded(state, &account);
                self.finish_rotations(state, out);
                Duration::from_secs(self.options.interval)
            }
            Err(failure) => {
                let text = failure.to_string();
                writeln!(out, "run: {text}").ok();
                self.events.tell("Warning", "ConvergeFailed", &text);
                SOON
            }
        }
    }

    fn succeeded(&self, state: &State, account: &Account) {
        if !account.differences.is_empty() {
            let text = format!("put right: {}", account.differences.join("; "));
            let before = state.converged.load(Ordering::Relaxed);
            self.events.tell("Normal", if before { "DriftRepaired" } else { "Converged" }, &text);
        }
        // Without the note the others are not ready, and say so.
        let noted = self.notes.note(CONVERGED).ok().flatten();
        let fine = noted.as_ref() == Some(&self.inputs.fingerprint)
            || self.notes.set_note(CONVERGED, &self.inputs.fingerprint).is_ok();
        state.converged.store(fine, Ordering::Relaxed);
    }

    /// Steps that whoever began a rotation did not come to.
    fn finish_rotations(&self, state: &State, out: &mut impl Write) {
        let rotations = &self.inputs.desired.rotations;
        if rotations.is_empty() {
            return;
        }
        let Ok(server) = rotate::session(&self.options.converge.access) else { return };
        for rotation in rotations {
            let grace = seconds(&rotation.grace).map_or(OVERDUE, Duration::from_secs);
            match rotate::go_on(&server, rotation, OVERDUE.max(grace)) {
                Ok(false) => {}
                Ok(true) => {
                    writeln!(out, "run: {}: a step that was left undone is done", rotation.name).ok();
                    self.events.tell("Normal", "RotationContinued", &rotation.name);
                }
                Err(failure) => drop(writeln!(out, "run: {}: {failure}", rotation.name)),
            }
            if let Ok(credential) = rotate::credential(&server, rotation) {
                state.metrics.rotated(&credential);
            }
        }
        server.write("auth/token/revoke-self", &serde_json::json!({})).ok();
    }
}

fn rest(time: Duration, state: &State) {
    const STEP: Duration = Duration::from_millis(200);
    let end = Instant::now() + time;
    while Instant::now() < end && !state.ends.load(Ordering::Relaxed) {
        thread::sleep(STEP.min(end.saturating_duration_since(Instant::now())));
    }
}
