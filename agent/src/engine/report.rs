//! Tells how things are.

use tokio::time::Instant;

use super::{Engine, pass::path_of, slot::Slot, unit::Unit};
use crate::status::{LeaseStatus, Status, TemplateState, TemplateStatus};

impl Engine {
    pub(super) fn status(&self) -> Status {
        let now = Instant::now();
        let login = self.login.state.borrow();
        let alive = login.expires.is_none_or(|expires| expires > now);
        Status {
            ready: self.is_complete(),
            authenticated: login.session.is_some() && alive,
            token_ttl_seconds: login.expires.map(|expires| expires.saturating_duration_since(now).as_secs()),
            login_error: login.error.as_ref().map(|problem| problem.message.clone()),
            templates: self.units.iter().map(|unit| self.template(unit)).collect(),
            leases: self.slots.values().filter_map(|slot| lease(slot, now)).collect(),
            reloads: self.reloader.status(),
            counters: self.counters,
        }
    }

    fn template(&self, unit: &Unit) -> TemplateStatus {
        let problems = unit.used.iter().filter_map(|id| self.slots.get(id)?.error.clone());
        let waits_for = problems.reduce(|all, next| format!("{all}; {next}"));
        let state = match (&unit.error, &waits_for, unit.in_place) {
            (Some(_), _, _) => TemplateState::Failed,
            (None, _, None) => TemplateState::Pending,
            (None, Some(_), Some(_)) => TemplateState::Stale,
            (None, None, Some(_)) => TemplateState::Rendered,
        };
        TemplateStatus {
            destination: unit.destination(),
            state,
            last_render: unit.in_place,
            last_error: unit.error.clone().or(waits_for),
        }
    }
}

fn lease(slot: &Slot, now: Instant) -> Option<LeaseStatus> {
    let (_, expires) = slot.held.as_ref()?.lease()?;
    let expires_seconds = expires.saturating_duration_since(now).as_secs();
    Some(LeaseStatus { path: path_of(&slot.dependency).to_owned(), expires_seconds })
}
