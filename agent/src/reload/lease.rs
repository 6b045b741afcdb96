//! Of several replicas one reloads at a time: actions run only while the agent holds a Kubernetes Lease.
//!
//! The holder renews the Lease until the application is back. Who does not hold it watches it: a Lease that does not
//! change for as long as it is good for has lost its holder and is taken over. That time is measured by the watcher's
//! own clock from what it saw itself, as Kubernetes' components do, so clocks need not agree. A time in which the API
//! server could not be asked does not count: the holder could not renew either.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use fastrand::Rng;
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use self::{
    api::{Api, LeaseError},
    record::Record,
};
use super::{ReloadError, http::Request};
use crate::backoff::Backoff;

mod api;
mod record;

#[cfg(test)]
mod tests;

/// What the agent needs to know to take turns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LeaseSettings {
    /// Name of the Lease in the pod's namespace.
    pub(crate) name: String,
    /// URL of the API server.
    pub(crate) server: String,
    /// Directory with `token`, `ca.crt`, `namespace` and `pod`.
    pub(crate) credentials: PathBuf,
    /// `http://` URL that answers 2xx when the application is back.
    pub(crate) ready_url: Option<String>,
    /// Longest wait for that, and for the end of a process that was told to end.
    pub(crate) ready_timeout: Duration,
}

/// The times of a Lease.
#[derive(Clone, Copy)]
struct Times {
    /// For how long it is good without being renewed: whole seconds.
    good_for: Duration,
    /// How often the holder renews it.
    renew: Duration,
    /// How often the others look at it, and at the application.
    look: Duration,
    /// Longest wait for one answer.
    request: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            good_for: Duration::from_secs(15),
            renew: Duration::from_secs(5),
            look: Duration::from_secs(1),
            request: Duration::from_secs(10),
        }
    }
}

/// Lets actions run when it is this agent's turn.
pub(super) struct Guard {
    settings: LeaseSettings,
    api: Api,
    times: Times,
    /// Groups of actions of this agent take turns too: to the others they are one holder.
    turn: Mutex<()>,
}

/// What an attempt to get the Lease gave.
enum Attempt {
    Held,
    /// Somebody was faster; look again at once.
    Raced,
    /// Somebody has it.
    Taken(String),
}

/// What was seen of the Lease, and since when it is so.
#[derive(Default)]
struct Watch {
    version: Option<String>,
    since: Option<Instant>,
}

impl Watch {
    /// For how long it has been like that.
    fn age(&mut self, record: &Record) -> Duration {
        let now = Instant::now();
        if self.version.as_deref() != Some(record.version()) || self.since.is_none() {
            self.version = Some(record.version().to_owned());
            self.since = Some(now);
        }
        self.since.map_or(Duration::ZERO, |since| now - since)
    }
}

impl Guard {
    pub(super) fn new(settings: LeaseSettings) -> Self {
        Self::with_times(settings, Times::default())
    }

    fn with_times(settings: LeaseSettings, times: Times) -> Self {
        let api = Api::new(&settings.server, &settings.name, &settings.credentials, times.request);
        Self { settings, api, times, turn: Mutex::new(()) }
    }

    /// Waits for the Lease, does the work and lets the Lease go. `say` hears what is waited for.
    pub(super) async fn during<T>(&self, say: &(dyn Fn(Option<String>) + Sync), work: impl Future<Output = T>) -> T {
        let _turn = self.turn.lock().await;
        self.acquire(say).await;
        say(None);
        let (result, still_ours) = {
            let lost = self.keep();
            tokio::pin!(lost, work);
            tokio::select! {
                result = &mut work => (result, true),
                () = &mut lost => (work.await, false),
            }
        };
        if still_ours {
            self.release().await;
        }
        result
    }

    /// Waits until processes that were told to end have ended and the application answers.
    ///
    /// # Errors
    ///
    /// When that takes longer than it may.
    pub(super) async fn settled(&self, ending: Vec<OwnedFd>) -> Result<(), ReloadError> {
        let limit = self.settings.ready_timeout;
        let mut reason = "the process does not end".to_owned();
        let all = async {
            for process in ending {
                ended(process).await;
            }
            let Some(url) = &self.settings.ready_url else { return Ok(()) };
            let request = Request::new("GET", url)?;
            while let Err(error) = request.send(self.times.request).await {
                reason = error.to_string();
                sleep(self.times.look).await;
            }
            Ok(())
        };
        let outcome = timeout(limit, all).await;
        outcome.unwrap_or(Err(ReloadError::NotBack { limit, reason }))
    }

    async fn acquire(&self, say: &(dyn Fn(Option<String>) + Sync)) {
        let mut rng = Rng::new();
        let mut backoff = Backoff::new(self.times.look, self.times.look * 30);
        let mut watch = Watch::default();
        let name = self.settings.name.as_str();
        loop {
            let wait = match self.attempt(&mut watch).await {
                Ok(Attempt::Held) => {
                    tracing::info!(lease = name, "it is our turn to reload");
                    return;
                }
                Ok(Attempt::Raced) => {
                    backoff.reset();
                    self.times.look.mul_f64(rng.f64())
                }
                Ok(Attempt::Taken(holder)) => {
                    backoff.reset();
                    tracing::debug!(lease = name, holder, "another replica reloads");
                    say(Some(format!("lease {name}: held by {holder}")));
                    self.times.look.mul_f64(0.75 + rng.f64() / 2.0)
                }
                Err(error) => {
                    watch = Watch::default();
                    let wait = backoff.next(None, &mut rng);
                    let wait_seconds = wait.as_secs_f32();
                    tracing::warn!(lease = name, %error, wait_seconds, "files are in place, the reload waits for its lease");
                    say(Some(format!("lease {name}: {error}")));
                    wait
                }
            };
            sleep(wait).await;
        }
    }

    async fn attempt(&self, watch: &mut Watch) -> Result<Attempt, LeaseError> {
        let ours = self.api.holder()?;
        let Some(mut record) = self.api.get().await? else {
            let made = self.api.create(Record::new(&self.settings.name, &ours, self.times.good_for, SystemTime::now()));
            return Ok(if made.await? { Attempt::Held } else { Attempt::Raced });
        };
        if let Some(holder) = record.holder().filter(|holder| *holder != ours) {
            let holder = holder.to_owned();
            if watch.age(&record) < record.good_for().unwrap_or(self.times.good_for) {
                return Ok(Attempt::Taken(holder));
            }
            tracing::warn!(lease = self.settings.name, holder, "the lease is not renewed by its holder: taken over");
        }
        record.take(&ours, self.times.good_for, SystemTime::now());
        Ok(if self.api.replace(record).await? { Attempt::Held } else { Attempt::Raced })
    }

    /// Renews the Lease until it is lost.
    async fn keep(&self) {
        loop {
            sleep(self.times.renew).await;
            match self.renew().await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(lease = self.settings.name, "somebody else took the lease while we reload");
                    return;
                }
                Err(error) => tracing::warn!(lease = self.settings.name, %error, "the lease cannot be renewed now"),
            }
        }
    }

    /// False when it is not ours any more.
    async fn renew(&self) -> Result<bool, LeaseError> {
        let ours = self.api.holder()?;
        let Some(mut record) = self.api.get().await? else { return Ok(false) };
        if record.holder() != Some(ours.as_str()) {
            return Ok(false);
        }
        record.renew(SystemTime::now());
        // Somebody touched it meanwhile: the next time tells who has it.
        self.api.replace(record).await?;
        Ok(true)
    }

    /// Lets it go. Where that fails, the others wait until it has run out.
    async fn release(&self) {
        for _ in 0..3 {
            match self.let_go().await {
                Ok(true) => return tracing::info!(lease = self.settings.name, "reloaded: the next one may"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(lease = self.settings.name, %error, "the lease cannot be let go now; it runs out");
                }
            }
            sleep(self.times.look).await;
        }
    }

    /// False when somebody touched it meanwhile.
    async fn let_go(&self) -> Result<bool, LeaseError> {
        let ours = self.api.holder()?;
        match self.api.get().await? {
            Some(mut record) if record.holder() == Some(ours.as_str()) => {
                record.let_go(SystemTime::now());
                self.api.replace(record).await
            }
            _ => Ok(true),
        }
    }
}

/// A process handle becomes readable when the process has ended. It is looked at now and then: no reload is in such a
/// hurry.
async fn ended(process: OwnedFd) {
    const LOOK: Duration = Duration::from_millis(50);
    loop {
        let mut handles = [PollFd::new(&process, PollFlags::IN)];
        match rustix::event::poll(&mut handles, Some(&Timespec::default())) {
            Ok(0) | Err(Errno::INTR) => sleep(LOOK).await,
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "the end of a process cannot be awaited"),
        }
    }
}
