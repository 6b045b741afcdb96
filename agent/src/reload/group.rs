//! Actions that keep an order among themselves, and the task that runs them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout_at},
};

use super::{ActionStatus, Pace, step::Step};

/// See the module.
#[derive(Debug)]
pub(super) struct Group {
    requests: Mutex<Requests>,
    woken: Notify,
    idle: watch::Sender<bool>,
    status: Mutex<Vec<ActionStatus>>,
}

#[derive(Debug, Default)]
struct Requests {
    due: BTreeSet<usize>,
    closed: bool,
}

impl Group {
    /// Starts the task. It ends after the group was closed and all was done.
    pub(super) fn spawn(steps: Vec<Step>, pace: Pace) -> Arc<Self> {
        let named = |step: &Step| ActionStatus { action: step.label.clone(), ..ActionStatus::default() };
        let group = Arc::new(Self {
            requests: Mutex::default(),
            woken: Notify::new(),
            idle: watch::Sender::new(true),
            status: Mutex::new(steps.iter().map(named).collect()),
        });
        let worker = Worker { group: Arc::clone(&group), steps, pace, failed: BTreeMap::new() };
        tokio::spawn(worker.work());
        group
    }

    pub(super) fn request(&self, steps: &BTreeSet<usize>) {
        self.requests().due.extend(steps);
        self.idle.send_replace(false);
        self.woken.notify_one();
    }

    pub(super) fn close(&self) {
        self.requests().closed = true;
        self.woken.notify_one();
    }

    pub(super) async fn idle(&self) {
        // The sender lives as long as `self`: there is no error to handle.
        let _ = self.idle.subscribe().wait_for(|idle| *idle).await;
    }

    pub(super) fn status(&self) -> Vec<ActionStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failed step that is to be repeated.
struct Retry {
    attempts: u32,
    at: Instant,
}

struct Worker {
    group: Arc<Group>,
    steps: Vec<Step>,
    pace: Pace,
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
            for index in self.due() {
                self.run(index).await;
            }
        }
    }

    /// Says that nothing is to be done, if that is so; true when there will never be anything again.
    fn rest(&self) -> bool {
        let requests = self.group.requests();
        let idle = requests.due.is_empty() && self.failed.is_empty();
        if idle {
            self.group.idle.send_replace(true);
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

    fn due(&mut self) -> BTreeSet<usize> {
        let mut due = std::mem::take(&mut self.group.requests().due);
        // A new change starts the count of attempts anew.
        self.failed.retain(|index, _| !due.contains(index));
        let now = Instant::now();
        due.extend(self.failed.iter().filter(|(_, retry)| retry.at <= now).map(|(index, _)| *index));
        due
    }

    async fn run(&mut self, index: usize) {
        let Some(step) = self.steps.get(index) else { return };
        let outcome = step.run(self.pace).await;
        let attempts = self.failed.remove(&index).map_or(0, |retry| retry.attempts).saturating_add(1);
        let mut error = None;
        match outcome {
            Ok(()) => tracing::info!(action = step.label, "files changed: process told"),
            Err(failure) => {
                let message = failure.to_string();
                let again = !failure.is_permanent() && attempts <= self.pace.retries;
                if again {
                    self.failed.insert(index, Retry { attempts, at: Instant::now() + self.delay(attempts) });
                }
                tracing::warn!(
                    action = step.label,
                    error = message,
                    attempts,
                    again,
                    "files changed: process not told"
                );
                error = Some(message);
            }
        }
        self.record(index, error);
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
