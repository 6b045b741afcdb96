//! The loop that keeps files equal to what the server says.
//!
//! One task owns all state. Requests run beside it, a few at a time; what they find comes back as an [`Outcome`] and
//! decides, for that one dependency, when it is looked at next. Templates are rendered when an answer changed, and all
//! that changed is put in place in one commit.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use blinkchamber_templates::{Dependency, Snapshot};
use fastrand::Rng;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use self::{
    agenda::{Agenda, Id},
    fetch::Fetcher,
    ledger::Ledger,
    outcome::Outcome,
    slot::{Slot, Timing},
    unit::Unit,
};
use crate::{
    backoff::Backoff,
    env::Environment,
    files::Store,
    reload::Reloader,
    session::{Session, State},
    settings::Settings,
    status::{Counters, Status},
    vault::{Client, ClientError},
};

mod agenda;
mod certificate;
mod fetch;
mod goodbye;
mod ledger;
mod mounts;
mod outcome;
mod pass;
mod prune;
mod report;
mod slot;
mod takeover;
mod term;
mod unit;
mod wiring;

/// What somebody asks of the engine.
pub(crate) enum Command {
    /// Other settings from now on.
    Apply(Box<Settings>),
    /// Look at all static secrets now; answered when it is done.
    Refresh(oneshot::Sender<()>),
    /// End.
    Shutdown,
    /// How are you?
    Status(oneshot::Sender<Status>),
}

/// Why the engine ended other than by being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum EngineError {
    /// No client can be made of the settings.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The login failed, and the settings say to end then.
    #[error("login: {message}")]
    Login {
        /// What went wrong.
        message: String,
        /// Whether somebody must change a role, a policy or a file.
        configuration: bool,
    },
    /// A template cannot be rendered, and the settings say to end then.
    #[error("{destination}: {message}")]
    Template {
        /// File that was to be rendered.
        destination: String,
        /// What went wrong.
        message: String,
    },
    /// A secret does not come, and the settings say to end then.
    #[error("gave up after {attempts} attempts: {message}")]
    Unavailable {
        /// How often it was tried.
        attempts: u32,
        /// What went wrong last.
        message: String,
    },
}

/// In init mode: attempts for one secret, as in Vault Agent.
const INIT_ATTEMPTS: u32 = 12;

/// In init mode: how long to wait for the news of an action that has ended.
const LAST_NEWS: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Engine {
    settings: Settings,
    store: Store,
    reloader: Reloader,
    client: Arc<Client>,
    fetcher: Arc<Fetcher>,
    login: LoginTask,
    session: Option<Arc<Session>>,
    /// Tokens that were replaced while they lived.
    superseded: Vec<Arc<Session>>,
    slots: BTreeMap<Id, Slot>,
    ids: BTreeMap<Dependency, Id>,
    next_id: Id,
    agenda: Agenda,
    /// Due, but all requests that may run at once are running.
    waiting: VecDeque<Id>,
    units: Vec<Unit>,
    snapshot: Snapshot,
    requests: JoinSet<Outcome>,
    partings: JoinSet<()>,
    /// Reload actions under way: what was told when they end, and by which state of the file.
    tellings: JoinSet<Option<(PathBuf, String)>>,
    ledger: Ledger,
    /// Files of templates that are gone may be left.
    prune_due: bool,
    pass_at: Option<Instant>,
    commit_blocked: bool,
    commit_backoff: Backoff,
    /// Nothing was rendered yet: certificates in place may be taken over.
    takes_over: bool,
    sink_epoch: u64,
    sink_retry: Option<Instant>,
    /// When the authorities were read again last.
    trust_read: Option<Instant>,
    refreshes: Vec<oneshot::Sender<()>>,
    counters: Counters,
    rng: Rng,
}

/// The task that keeps the token.
struct LoginTask {
    state: watch::Receiver<State>,
    suspicions: mpsc::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for LoginTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What woke the loop.
enum Event {
    Command(Option<Command>),
    Login,
    Outcome(Outcome),
    Time,
    Told(PathBuf, String),
}

impl Engine {
    /// An engine that has not begun; its login starts at once.
    ///
    /// # Errors
    ///
    /// When no client can be made of the settings.
    pub(crate) fn new(settings: Settings, environment: &Environment) -> Result<Self, EngineError> {
        let client = Arc::new(Client::new(settings.server.clone())?);
        let mut snapshot = Snapshot::default();
        snapshot.environment = environment.variables().clone();
        snapshot.seed = seed();
        Ok(Self {
            store: Store::new(settings.generations.clone()),
            reloader: Reloader::new(settings.reload.clone(), settings.reload_lease.clone()),
            fetcher: Arc::new(Fetcher::new(Arc::clone(&client))),
            login: wiring::log_in(&settings, &client),
            client,
            session: None,
            superseded: Vec::new(),
            slots: BTreeMap::new(),
            ids: BTreeMap::new(),
            next_id: 0,
            agenda: Agenda::default(),
            waiting: VecDeque::new(),
            units: settings.templates.iter().cloned().map(Unit::new).collect(),
            snapshot,
            requests: JoinSet::new(),
            partings: JoinSet::new(),
            tellings: JoinSet::new(),
            ledger: Ledger::open(settings.home.as_deref()),
            prune_due: true,
            pass_at: Some(Instant::now()),
            commit_blocked: false,
            commit_backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
            takes_over: true,
            sink_epoch: 0,
            sink_retry: None,
            trust_read: None,
            refreshes: Vec::new(),
            counters: Counters::default(),
            settings,
            rng: Rng::new(),
        })
    }

    /// Runs until it is told to end, or, in init mode, until every file is in place.
    ///
    /// # Errors
    ///
    /// Only where the settings say to end on a failure.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Result<(), EngineError> {
        self.save_ledger();
        loop {
            self.advance();
            self.prune();
            self.answer_refreshes();
            if self.settings.exit_after_auth {
                self.give_up()?;
                if self.is_complete() {
                    tracing::info!("every file is in place");
                    self.finish_telling().await;
                    return Ok(());
                }
            } else if self.settings.exit_on_login_error {
                self.give_up_login()?;
            }
            match self.next_event(&mut commands).await {
                Event::Command(None | Some(Command::Shutdown)) => break,
                Event::Command(Some(command)) => self.obey(command),
                Event::Login => self.on_login(),
                Event::Outcome(outcome) => self.on_outcome(outcome),
                Event::Told(path, digest) => self.on_told(&path, &digest),
                Event::Time => {}
            }
        }
        self.requests.abort_all();
        if self.settings.revoke_on_exit && !self.settings.exit_after_auth {
            self.give_back().await;
        }
        Ok(())
    }

    /// Starts what is due, renders what is out of date.
    fn advance(&mut self) {
        loop {
            let now = Instant::now();
            if self.sink_retry.is_some_and(|at| at <= now) {
                self.write_sinks();
            }
            while let Some(id) = self.agenda.take_due(now) {
                self.waiting.push_back(id);
            }
            self.start_waiting();
            let dirty = self.units.iter().any(|unit| unit.dirty);
            let idle = self.requests.is_empty() && !self.commit_blocked;
            if !dirty || !(idle || self.pass_at.is_some_and(|at| at <= now)) {
                return;
            }
            self.pass();
        }
    }

    async fn next_event(&mut self, commands: &mut mpsc::Receiver<Command>) -> Event {
        let dirty = self.units.iter().any(|unit| unit.dirty);
        let pass_at = self.pass_at.filter(|_| dirty);
        let wake = [self.agenda.first(), pass_at, self.sink_retry].into_iter().flatten().min();
        let wake = wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            command = commands.recv() => Event::Command(command),
            Some(outcome) = self.requests.join_next() => match outcome {
                Ok(outcome) => Event::Outcome(outcome),
                // A task that was cancelled or did not end well has no outcome.
                Err(_cancelled) => Event::Time,
            },
            Some(told) = self.tellings.join_next() => match told {
                Ok(Some((path, digest))) => Event::Told(path, digest),
                Ok(None) | Err(_) => Event::Time,
            },
            Ok(()) = self.login.state.changed() => Event::Login,
            () = sleep_until(wake) => Event::Time,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Apply(settings) => self.apply(*settings),
            Command::Refresh(done) => self.refresh(done),
            Command::Status(answer) => drop(answer.send(self.status())),
            Command::Shutdown => {}
        }
    }

    /// Has the actions of these files run, and takes note of it when they have.
    fn tell(&mut self, files: &[PathBuf]) {
        self.reloader.changed(files);
        for path in files {
            let (Some(ended), Some(digest)) = (self.reloader.ended(path), self.ledger.digest_of(path)) else {
                continue;
            };
            let path = path.clone();
            self.tellings.spawn(async move { ended.await.then_some((path, digest)) });
        }
    }

    /// Files that share an action are told of together: one note for all of them.
    fn on_told(&mut self, path: &Path, digest: &str) {
        self.ledger.told(path, digest);
        while let Some(told) = self.tellings.try_join_next() {
            if let Ok(Some((path, digest))) = told {
                self.ledger.told(&path, &digest);
            }
        }
        self.save_ledger();
    }

    /// In init mode: each action gets its one try, as long as that may take. What failed is not repeated: whom it is
    /// for may only start after us.
    async fn finish_telling(&mut self) {
        self.reloader.tried().await;
        while let Ok(Some(told)) = timeout(LAST_NEWS, self.tellings.join_next()).await {
            if let Ok(Some((path, digest))) = told {
                self.on_told(&path, &digest);
            }
        }
    }

    /// In init mode with `exit_on_retry_failure`: what cannot come is not waited for.
    fn give_up(&self) -> Result<(), EngineError> {
        self.give_up_login()?;
        if !self.settings.exit_on_retry_failure {
            return Ok(());
        }
        let failed = self.units.iter().filter(|unit| !self.commit_blocked || !unit.dirty);
        if let Some((unit, message)) = failed.filter_map(|unit| Some((unit, unit.error.clone()?))).next() {
            return Err(EngineError::Template { destination: unit.destination(), message });
        }
        let mut exhausted = self.slots.values().filter(|slot| slot.failures() >= INIT_ATTEMPTS);
        match exhausted.find_map(|slot| Some((slot.failures(), slot.error.clone()?))) {
            Some((attempts, message)) => Err(EngineError::Unavailable { attempts, message }),
            None => Ok(()),
        }
    }

    fn give_up_login(&self) -> Result<(), EngineError> {
        let state = self.login.state.borrow();
        match &state.error {
            Some(problem) if self.settings.exit_on_login_error && state.logins == 0 => {
                Err(EngineError::Login { message: problem.message.clone(), configuration: problem.configuration })
            }
            _ => Ok(()),
        }
    }

    fn is_complete(&self) -> bool {
        let sinks = self.settings.sinks.is_empty() || self.sink_epoch > 0;
        let files = self.units.iter().all(|unit| unit.in_place.is_some());
        sinks && files && self.counters.logins > 0
    }
}

/// What passwords and keys that templates make are drawn from: the kernel's generator, not the one of the waiting times.
/// Without it those functions fail and say so.
fn seed() -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    // So few bytes come whole.
    let filled = getrandom(&mut seed, GetRandomFlags::empty()).ok()?;
    (filled == seed.len()).then_some(seed)
}
