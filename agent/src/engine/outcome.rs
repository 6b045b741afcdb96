//! Starts requests and draws the conclusions from what they find.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Engine,
    agenda::Id,
    fetch::{self, FetchError, Fetched},
    pass::{COLLECT, path_of, same},
    slot::{Action, Held},
    term::Term,
};
use crate::vault::VaultError;

/// Authorities are not read more often than this.
const TRUST_INTERVAL: Duration = Duration::from_secs(10);

/// What a request found.
pub(super) struct Outcome {
    id: Id,
    /// Token that it was made with.
    epoch: u64,
    finding: Finding,
}

enum Finding {
    Fetched(Result<Fetched, FetchError>),
    Probed(Result<Option<bool>, FetchError>),
    Renewed(Result<Duration, VaultError>),
}

impl Engine {
    /// Starts what waits, as far as requests may run at once.
    ///
    /// What failed last may hang this time: it gets half of the room, so that it keeps nothing else waiting.
    pub(super) fn start_waiting(&mut self) {
        let room = self.settings.concurrency;
        let mut doubtful = self.slots.values().filter(|slot| slot.running && slot.error.is_some()).count();
        for _ in 0..self.waiting.len() {
            let Some(id) = self.waiting.pop_front() else { return };
            let Some(slot) = self.slots.get(&id) else { continue };
            if slot.running {
                continue;
            }
            if slot.is_local() {
                self.read_file(id);
            } else if self.session.is_none()
                || self.requests.len() >= room
                || (slot.error.is_some() && doubtful >= room.div_ceil(2))
            {
                self.waiting.push_back(id);
            } else {
                doubtful += usize::from(slot.error.is_some());
                self.start(id);
            }
        }
    }

    fn read_file(&mut self, id: Id) {
        let Some(slot) = self.slots.get(&id) else { return };
        let finding = Finding::Fetched(fetch::file(path_of(&slot.dependency)));
        self.on_outcome(Outcome { id, epoch: 0, finding });
    }

    fn start(&mut self, id: Id) {
        let (Some(slot), Some(session)) = (self.slots.get_mut(&id), self.session.clone()) else { return };
        slot.running = true;
        let (fetcher, epoch) = (Arc::clone(&self.fetcher), session.epoch);
        let lease = slot.held.as_ref().and_then(Held::lease).map(|(id, _)| id.to_owned());
        let version = slot.version().map(|(version, metadata)| (version.clone(), metadata.to_owned()));
        match (slot.action, lease, version) {
            (Action::Renew, Some(lease), _) => {
                self.requests.spawn(async move {
                    let finding = Finding::Renewed(fetcher.renew(&lease, &session.token).await);
                    Outcome { id, epoch, finding }
                });
            }
            (Action::Probe, _, Some((version, metadata))) if !fetcher.hidden(&metadata) => {
                self.requests.spawn(async move {
                    let finding = Finding::Probed(fetcher.unchanged(&metadata, &version, &session.token).await);
                    Outcome { id, epoch, finding }
                });
            }
            _ => {
                let dependency = slot.dependency.clone();
                self.requests.spawn(async move {
                    let finding = Finding::Fetched(fetcher.fetch(&dependency, &session.token).await);
                    Outcome { id, epoch, finding }
                });
            }
        }
    }

    /// Draws the conclusions from what a request found.
    pub(super) fn on_outcome(&mut self, outcome: Outcome) {
        let Outcome { id, epoch, finding } = outcome;
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.running = false;
        let again = std::mem::take(&mut slot.again);
        let now = Instant::now();
        let rng = &mut self.rng;
        let mut due = match finding {
            Finding::Probed(Ok(Some(true))) => {
                self.counters.fetches += 1;
                slot.unchanged(now, rng)
            }
            Finding::Probed(Ok(Some(false) | None)) => {
                self.counters.fetches += 1;
                slot.must_be_read(now)
            }
            Finding::Renewed(Ok(lease)) => {
                self.counters.lease_renewals += 1;
                slot.renewed(now, lease, rng)
            }
            Finding::Renewed(Err(error)) => self.on_renewal_error(id, epoch, &error, now),
            Finding::Fetched(Ok(fetched)) => {
                self.counters.fetches += 1;
                self.on_fetched(id, epoch, fetched, now)
            }
            Finding::Fetched(Err(error)) | Finding::Probed(Err(error)) => self.on_fetch_error(id, epoch, &error, now),
        };
        if again {
            due = now;
        }
        self.agenda.put(id, due);
    }

    fn on_renewal_error(&mut self, id: Id, epoch: u64, error: &VaultError, now: Instant) -> Instant {
        let Some(slot) = self.slots.get_mut(&id) else { return now };
        self.counters.fetch_errors += 1;
        let path = path_of(&slot.dependency);
        tracing::warn!(path, %error, "the lease cannot be renewed now; its credential stays in use");
        if error.is_forbidden() {
            self.login.suspicions.try_send(epoch).ok();
        }
        if lease_is_gone(error) {
            slot.lease_is_gone(now, error.to_string(), &mut self.rng)
        } else {
            slot.renewal_failed(now, error.to_string(), error.retry_after(), &mut self.rng)
        }
    }

    fn on_fetch_error(&mut self, id: Id, epoch: u64, error: &FetchError, now: Instant) -> Instant {
        let Some(slot) = self.slots.get_mut(&id) else { return now };
        self.counters.fetch_errors += 1;
        let due = slot.failed(now, error.to_string(), retry_after(error), &mut self.rng);
        let path = path_of(&slot.dependency);
        let wait_seconds = due.saturating_duration_since(now).as_secs_f32();
        // A file that is awaited is looked for every two seconds.
        if slot.is_local() && slot.failures() > 1 {
            tracing::debug!(path, %error, wait_seconds, "cannot be read; files stay as they are");
        } else {
            tracing::warn!(path, %error, wait_seconds, "cannot be read; files stay as they are");
        }
        if let FetchError::Vault(error) = error {
            if error.is_forbidden() {
                self.login.suspicions.try_send(epoch).ok();
            }
            if error.is_transport() {
                self.reconsider_trust(now);
            }
        }
        due
    }

    /// No connection: the server's authorities may have been renewed since they were read.
    fn reconsider_trust(&mut self, now: Instant) {
        if self.trust_read.is_none_or(|last| now >= last + TRUST_INTERVAL) {
            self.trust_read = Some(now);
            if let Err(error) = self.client.reload_trust() {
                tracing::warn!(%error, "the authorities cannot be read again; the last ones stay in use");
            }
        }
    }

    fn on_fetched(&mut self, id: Id, epoch: u64, fetched: Fetched, now: Instant) -> Instant {
        let Some(slot) = self.slots.get_mut(&id) else { return now };
        let Fetched { answer, term, metadata } = fetched;
        let replaced = slot.held.as_ref().filter(|held| held.epoch == epoch).and_then(Held::lease);
        let replaced = replaced.map(|(id, expires)| (id.to_owned(), expires.saturating_duration_since(now)));
        if let Term::Leased { lease, renewable, .. } = &term {
            self.counters.leases_issued += 1;
            let (path, lease_seconds) = (path_of(&slot.dependency), lease.as_secs());
            tracing::info!(path, lease_seconds, renewable, "obtained a lease");
        }
        let due = slot.fetched(now, term, metadata, epoch, &mut self.rng);
        let changed = self.snapshot.answers.get(&slot.dependency).is_none_or(|old| !same(old, &answer));
        if changed {
            self.snapshot.answers.insert(slot.dependency.clone(), Arc::new(answer));
            for user in &slot.users {
                if let Some(unit) = self.units.get_mut(*user) {
                    unit.dirty = true;
                }
            }
            // Earlier than the next attempt for files that cannot be written.
            let soon = now + COLLECT;
            self.pass_at = Some(self.pass_at.map_or(soon, |at| at.min(soon)));
        }
        if let Some((lease, left)) = replaced {
            self.supersede_lease(lease, left);
        }
        self.supersede_token();
        due
    }
}

/// Whether the server says that it has no such lease, as opposed to not being able to renew it now.
fn lease_is_gone(error: &VaultError) -> bool {
    ["lease not found", "invalid lease", "lease expired"].iter().any(|text| error.says(text))
}

fn retry_after(error: &FetchError) -> Option<Duration> {
    match error {
        FetchError::Vault(error) => error.retry_after(),
        _ => None,
    }
}
