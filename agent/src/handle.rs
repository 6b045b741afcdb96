//! What others hold of a running engine: the control socket, the metrics port, a test.

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    control::{Handler, Readiness},
    engine::Command,
    status::{Status, TemplateState},
};

/// Asks a running engine.
#[derive(Clone)]
pub(crate) struct Handle(mpsc::Sender<Command>);

impl Handle {
    /// Asks the engine that receives these commands.
    pub(crate) fn new(engine: mpsc::Sender<Command>) -> Self {
        Self(engine)
    }

    /// Its state; `None` when it has ended.
    pub(crate) async fn status(&self) -> Option<Status> {
        let (ask, answer) = oneshot::channel();
        self.0.send(Command::Status(ask)).await.ok()?;
        answer.await.ok()
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_closed()
    }
}

impl Handler for Handle {
    async fn ready(&self) -> Readiness {
        match Self::status(self).await {
            Some(status) => Readiness { ready: status.ready, reason: missing(&status) },
            None => Readiness { ready: false, reason: Some(ENDING.to_owned()) },
        }
    }

    async fn status(&self) -> Value {
        let status = Self::status(self).await;
        status.and_then(|status| serde_json::to_value(status).ok()).unwrap_or_default()
    }

    async fn refresh(&self) -> Result<(), String> {
        let before = Self::status(self).await.ok_or(ENDING)?;
        if !before.authenticated {
            return Err(missing(&before).unwrap_or_else(|| "the agent is not logged in".to_owned()));
        }
        let (done, finished) = oneshot::channel();
        self.0.send(Command::Refresh(done)).await.map_err(|_over| ENDING)?;
        finished.await.map_err(|_over| ENDING)?;
        let after = Self::status(self).await.ok_or(ENDING)?;
        match after.templates.into_iter().find_map(|template| Some((template.destination, template.last_error?))) {
            Some((destination, error)) => Err(format!("{destination}: {error}")),
            None => Ok(()),
        }
    }
}

const ENDING: &str = "the agent ends";

/// What keeps the agent from being ready, for a person.
fn missing(status: &Status) -> Option<String> {
    if status.ready {
        return None;
    }
    let login = status.login_error.as_ref().map(|error| format!("login: {error}"));
    let pending = status.templates.iter().filter(|template| template.last_render.is_none());
    let file = pending.clone().next().map(|template| {
        let error = template.last_error.as_deref().unwrap_or(match template.state {
            TemplateState::Pending => "waits for what it reads",
            _ => "not in place",
        });
        format!(
            "{} of {} files are missing; {}: {error}",
            pending.count(),
            status.templates.len(),
            template.destination
        )
    });
    let alone = || (!status.authenticated).then(|| "not logged in yet".to_owned());
    login.or(file).or_else(alone)
}

#[cfg(test)]
mod tests;
