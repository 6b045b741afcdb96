//! Actions that keep an order among themselves, and the task that runs them.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout_at},
};

use super::{ActionStatus, Pace, lease::Guard, process::Moment, step::Step};

/// See the module.
#[derive(Debug)]
pub(super) struct Group {
    requests: Mutex<Requests>,
    woken: Notify,
    state: watch::Sender<State>,
    status: Mutex<Vec<ActionStatus>>,
}

/// What is still to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Busy,
    /// Only what failed is still to be repeated.
    Repeating,
    Idle,
}

#[derive(Debug, Default)]
struct Requests {
    /// Steps to be run, and when what they tell of happened.
    due: BTreeMap<usize, Moment>,
    closed: bool,
}

impl Group {
    /// Starts the task. It ends after the group was closed and all was done.
    pub(super) fn spawn(steps: Vec<Step>, pace: Pace, guard: Option<Arc<Guard>>) -> Arc<Self> {
        let named = |step: &Step| ActionStatus { action: step.label.clone(), ..ActionStatus::default() };
        let group = Arc::new(Self {
            requests: Mutex::default(),
            woken: Notify::new(),
            state: watch::Sender::new(State::Idle),
            status: Mutex::new(steps.iter().map(named).collect()),
        });
        let worker = Worker { group: Arc::clone(&group), steps, pace, guard, failed: BTreeMap::new() };
        tokio::spawn(worker.work());
        group
    }

    pub(super) fn request(&self, steps: &BTreeSet<usize>) {
        let changed = Moment::now();
        self.requests().due.extend(steps.iter().map(|step| (*step, changed)));
        self.state.send_replace(State::Busy);
        self.woken.notify_one();
    }

    pub(super) fn close(&self) {
        self.requests().closed = true;
        self.woken.notify_one();
    }

    pub(super) async fn idle(&self) {
        // The sender lives as long as `self`: there is no error to handle.
        let _ = self.state.subscribe().wait_for(|state| *state == State::Idle).await;
    }

    pub(super) async fn tried(&self) {
        let _ = self.state.subscribe().wait_for(|state| *state != State::Busy).await;
    }

    /// Whether these steps worked the last time.
    pub(super) fn worked(&self, steps: &[usize]) -> bool {
        let all = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        steps.iter().all(|index| all.get(*index).is_some_and(|status| status.last_error.is_none()))
    }

    pub(super) fn status(&self) -> Vec<ActionStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says on all that is due why it does not run yet; `None` when it runs.
    fn waits_for(&self, news: Option<String>) {
        let due = self.requests().due.clone();
        let mut all = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, status) in all.iter_mut().enumerate() {
            status.waits_for = news.clone().filter(|_| due.contains_key(&index));
        }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failed step that is to be repeated.
struct Retry {
    attempts: u32,
    at: Instant,
    changed: Moment,
}

struct Worker {
    group: Arc<Group>,
    steps: Vec<Step>,
    pace: Pace,
    guard: Option<Arc<Guard>>,
    failed: BTreeMap<usize, Retry>,
}

impl Worker {
    async fn work(mut self) {
        loop {
            if self.rest() {
                return;
            }
            self.wait().await;
            self.collect().await;
            if !self.is_due() {
                continue;
            }
            match self.guard.clone() {
                None => self.run_due(None).await,
                Some(guard) => {
                    let group = Arc::clone(&self.group);
                    guard.during(&|news| group.waits_for(news), self.run_due(Some(&guard))).await;
                }
            }
        }
    }

    /// Says that nothing is to be done, if that is so; true when there will never be anything again.
    fn rest(&self) -> bool {
        let requests = self.group.requests();
        let idle = requests.due.is_empty() && self.failed.is_empty();
        if requests.due.is_empty() {
            self.group.state.send_replace(if idle { State::Idle } else { State::Repeating });
        }
        idle && requests.closed
    }

    async fn wait(&self) {
        if !self.group.requests().due.is_empty() {
            return;
        }
        match self.failed.values().map(|retry| retry.at).min() {
            Some(at) => tokio::select! {
                () = self.group.woken.notified() => {}
                () = sleep_until(at) => {}
            },
            None => self.group.woken.notified().await,
        }
    }

    /// Waits for more of what comes close together.
    async fn collect(&self) {
        if self.group.requests().due.is_empty() {
            return;
        }
        let latest = Instant::now() + self.pace.longest_wait;
        loop {
            let quiet = Instant::now() + self.pace.quiet;
            if timeout_at(quiet.min(latest), self.group.woken.notified()).await.is_err() {
                return;
            }
        }
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        !self.group.requests().due.is_empty() || self.failed.values().any(|retry| retry.at <= now)
    }

    /// Runs what is due, in order, and with a guard waits until the application is back.
    async fn run_due(&mut self, guard: Option<&Guard>) {
        let (mut told, mut ending) = (Vec::new(), Vec::new());
        for (index, changed) in self.due() {
            if let Some(mut processes) = self.run(index, changed).await {
                ending.append(&mut processes);
                told.push(index);
            }
        }
        let mut error = None;
        if let Some(guard) = guard.filter(|_| !told.is_empty())
            && let Err(failure) = guard.settled(ending).await
        {
            tracing::error!(error = %failure, "files changed: the application is not back");
            error = Some(failure.to_string());
        }
        for index in told {
            self.record(index, error.clone());
        }
    }

    fn due(&mut self) -> BTreeMap<usize, Moment> {
        let mut due = std::mem::take(&mut self.group.requests().due);
        // A new change starts the count of attempts anew.
        self.failed.retain(|index, _| !due.contains_key(index));
        let now = Instant::now();
        due.extend(
            self.failed.iter().filter(|(_, retry)| retry.at <= now).map(|(index, retry)| (*index, retry.changed)),
        );
        due
    }

    /// Runs one step; when it worked, gives the processes that are expected to end.
    async fn run(&mut self, index: usize, changed: Moment) -> Option<Vec<OwnedFd>> {
        let step = self.steps.get(index)?;
        let outcome = step.run(self.pace, changed).await;
        let attempts = self.failed.remove(&index).map_or(0, |retry| retry.attempts).saturating_add(1);
        match outcome {
            Ok(ending) => {
                tracing::info!(action = step.label, "files changed: process told");
                Some(ending)
            }
            Err(failure) => {
                let message = failure.to_string();
                let again = !failure.is_permanent() && attempts <= self.pace.retries;
                if again {
                    let at = Instant::now() + self.delay(attempts);
                    self.failed.insert(index, Retry { attempts, at, changed });
                }
                if again && failure.is_absence() {
                    // It will read the new file when it starts.
                    tracing::info!(action = step.label, "files changed: nobody is there to be told");
                } else {
                    tracing::warn!(
                        action = step.label,
                        error = message,
                        attempts,
                        again,
                        "files changed: process not told"
                    );
                }
                self.record(index, Some(message));
                None
            }
        }
    }

    fn delay(&self, attempts: u32) -> Duration {
        self.pace.first_retry.saturating_mul(1 << attempts.saturating_sub(1).min(10))
    }

    fn record(&self, index: usize, error: Option<String>) {
        let mut all = self.group.status.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(status) = all.get_mut(index) else { return };
        let count = if error.is_none() { &mut status.succeeded } else { &mut status.failed };
        *count = count.saturating_add(1);
        status.last_error = error;
    }
}
