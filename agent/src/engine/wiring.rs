//! Connects templates with dependencies, the engine with its login, and running state with other settings.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use blinkchamber_templates::Dependency;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};

use super::{Engine, Fetcher, LoginTask, Slot, Timing, Unit, agenda::Id};
use crate::{
    files::Store,
    reload::Reloader,
    session::{self, State},
    settings::Settings,
    vault::{Client, ClientError},
};

/// Starts the task that keeps the token.
pub(super) fn log_in(settings: &Settings, client: &Arc<Client>) -> LoginTask {
    let (state, receiver) = watch::channel(State::default());
    let (suspicions, suspected) = mpsc::channel(4);
    let keep = session::keep(Arc::clone(client), settings.login.login(), settings.login_pace, state, suspected);
    LoginTask { state: receiver, suspicions, task: tokio::spawn(keep) }
}

impl Engine {
    /// Notes what a template looks at; what is new is due now.
    pub(super) fn uses(&mut self, unit: usize, used: BTreeSet<Dependency>) {
        let ids: BTreeSet<Id> = used.into_iter().map(|dependency| self.id_of(dependency)).collect();
        let Some(entry) = self.units.get_mut(unit) else { return };
        let before = std::mem::replace(&mut entry.used, ids);
        for id in before.difference(&entry.used) {
            if let Some(slot) = self.slots.get_mut(id) {
                slot.users.remove(&unit);
            }
        }
        for id in &entry.used {
            if let Some(slot) = self.slots.get_mut(id) {
                slot.users.insert(unit);
            }
        }
    }

    fn id_of(&mut self, dependency: Dependency) -> Id {
        if let Some(id) = self.ids.get(&dependency) {
            return *id;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.ids.insert(dependency.clone(), id);
        self.slots.insert(id, Slot::new(dependency, self.timing()));
        self.agenda.put(id, Instant::now());
        id
    }

    /// Forgets what no template looks at any more.
    pub(super) fn drop_unused(&mut self) {
        let unused: Vec<Id> = self.slots.iter().filter(|(_, slot)| slot.users.is_empty()).map(|(id, _)| *id).collect();
        for id in unused {
            self.agenda.remove(id);
            if let Some(slot) = self.slots.remove(&id) {
                self.ids.remove(&slot.dependency);
                self.snapshot.answers.remove(&slot.dependency);
                if let Some((lease, expires)) = slot.held.as_ref().and_then(|held| held.lease()) {
                    self.supersede_lease(lease.to_owned(), expires.saturating_duration_since(Instant::now()));
                }
            }
        }
    }

    pub(super) fn timing(&self) -> Timing {
        Timing {
            static_interval: self.settings.static_interval,
            lease_threshold: self.settings.lease_threshold,
            pace: self.settings.fetch_pace,
        }
    }

    /// The login has news.
    pub(super) fn on_login(&mut self) {
        let state = self.login.state.borrow_and_update().clone();
        self.counters.logins = state.logins;
        self.counters.token_renewals = state.renewals;
        let epoch = |session: &Option<Arc<session::Session>>| session.as_ref().map(|session| session.epoch);
        if epoch(&state.session) == epoch(&self.session) {
            return;
        }
        let previous = std::mem::replace(&mut self.session, state.session);
        let Some(session) = &self.session else { return };
        // Known dead tokens were withdrawn before; one that is replaced directly still lives.
        self.superseded.extend(previous);
        self.fetcher.forget_refusals();
        let (now, epoch) = (Instant::now(), session.epoch);
        let due = self.slots.iter_mut().filter(|(_, slot)| !slot.running);
        for (id, slot) in due.filter(|(_, slot)| slot.error.is_some() || slot.is_of_another_token(epoch)) {
            slot.action = super::slot::Action::Fetch;
            self.agenda.put(*id, now);
        }
        self.write_sinks();
        self.supersede_token();
    }

    /// Looks at everything static now.
    pub(super) fn refresh(&mut self, done: oneshot::Sender<()>) {
        let now = Instant::now();
        for (id, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.is_static()) {
            if slot.running {
                slot.again = true;
            } else if !self.waiting.contains(id) {
                self.agenda.put(*id, now);
            }
        }
        self.refreshes.push(done);
    }

    /// Tells those who asked for a refresh that there is nothing left to do.
    pub(super) fn answer_refreshes(&mut self) {
        if !self.refreshes.is_empty() && self.requests.is_empty() && self.waiting.is_empty() {
            for done in self.refreshes.drain(..) {
                // Who asked may have gone.
                done.send(()).ok();
            }
        }
    }

    /// Other settings: what stays the same keeps its state, its secrets and its leases.
    pub(super) fn apply(&mut self, settings: Settings) {
        let before = &self.settings;
        if (&settings.home, settings.metrics, &settings.pid_file) != (&before.home, before.metrics, &before.pid_file) {
            tracing::warn!("home, metrics_address and pid_file are changed by a restart only");
        }
        let relogin = settings.server != self.settings.server
            || settings.login != self.settings.login
            || settings.login_pace != self.settings.login_pace;
        if relogin && let Err(error) = self.change_server(&settings) {
            tracing::error!(%error, "the new configuration cannot be used; the old one stays");
            return;
        }
        if settings.generations != self.settings.generations {
            self.store = Store::new(settings.generations.clone());
        }
        if (&settings.reload, &settings.reload_lease) != (&self.settings.reload, &self.settings.reload_lease) {
            self.reloader = Reloader::new(settings.reload.clone(), settings.reload_lease.clone());
        }
        if settings.sinks != self.settings.sinks {
            self.sink_epoch = 0;
        }
        self.settings = settings;
        self.takes_over = false;
        let timing = self.timing();
        for slot in self.slots.values_mut() {
            slot.retime(timing);
            slot.users.clear();
        }
        self.replace_units();
        self.prune_due = true;
        self.commit_blocked = false;
        self.pass_at = Some(Instant::now());
        self.write_sinks();
        tracing::info!(templates = self.units.len(), "configuration applied");
    }

    /// Another server or login: nothing that is held is good there.
    fn change_server(&mut self, settings: &Settings) -> Result<(), ClientError> {
        self.client = Arc::new(Client::new(settings.server.clone())?);
        // Dropping them ends them: nothing that the old server says may be taken for the new one's.
        self.requests = JoinSet::new();
        self.sink_epoch = 0;
        for (id, slot) in &mut self.slots {
            slot.running = false;
            slot.held = None;
            slot.action = super::slot::Action::Fetch;
            self.agenda.put(*id, Instant::now());
        }
        self.waiting = VecDeque::new();
        self.fetcher = Arc::new(Fetcher::new(Arc::clone(&self.client)));
        self.login = log_in(settings, &self.client);
        self.session = None;
        self.superseded.clear();
        Ok(())
    }

    /// Templates that are still wanted keep what they know.
    fn replace_units(&mut self) {
        let mut before = std::mem::take(&mut self.units);
        for wanted in self.settings.templates.clone() {
            let kept = before.iter().position(|unit| unit.settings == wanted).map(|at| before.swap_remove(at));
            self.units.push(kept.unwrap_or_else(|| Unit::new(wanted)));
        }
        // Positions changed. Modes and owners may have, too; equal bytes are not written again.
        for (position, unit) in self.units.iter_mut().enumerate() {
            unit.dirty = true;
            for id in &unit.used {
                if let Some(slot) = self.slots.get_mut(id) {
                    slot.users.insert(position);
                }
            }
        }
    }
}
