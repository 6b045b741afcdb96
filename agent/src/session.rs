//! The agent's token: obtained, kept alive, obtained again before it ends or as soon as it is known to be dead.
//!
//! One task owns all of this and publishes what there is. A token that works stays published until its successor is
//! there, so a login that fails for a while costs nothing as long as the old token lives.

use std::{sync::Arc, time::Duration};

use blinkchamber_templates::Json;
use fastrand::Rng;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    auth::{Grant, Login, LoginError},
    backoff::Backoff,
    renewal::{Renewal, Step},
    vault::{Call, Client, Token, VaultError},
};

/// Two checks whether a token is dead are at least this far apart: a policy that refuses one path must not double the
/// load of the server.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// A token that is in use.
pub(crate) struct Session {
    /// The token.
    pub(crate) token: Token,
    /// Counts tokens: what was leased with another one ends with that one.
    pub(crate) epoch: u64,
    /// Whether it is ours to revoke.
    pub(crate) ours: bool,
}

/// What is known about the login.
#[derive(Clone, Default)]
#[non_exhaustive]
pub(crate) struct State {
    /// The token in use.
    pub(crate) session: Option<Arc<Session>>,
    /// When it ends; `None` when never, or when there is none.
    pub(crate) expires: Option<Instant>,
    /// What went wrong last, until something goes right.
    pub(crate) error: Option<Problem>,
    /// Logins that failed since the last good one.
    pub(crate) failures: u32,
    /// Logins that worked.
    pub(crate) logins: u64,
    /// Renewals that worked.
    pub(crate) renewals: u64,
}

/// What went wrong with the login.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// For a person.
    pub(crate) message: String,
    /// Whether a role, a policy or a file must be changed by somebody.
    pub(crate) configuration: bool,
}

/// Waits between logins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pace {
    /// Shortest.
    pub(crate) min: Duration,
    /// Longest.
    pub(crate) max: Duration,
}

/// Keeps a token until the receiver of `state` is gone.
///
/// `suspicions` are the epochs of tokens that were refused somewhere.
pub(crate) async fn keep(
    client: Arc<Client>,
    login: Login,
    pace: Pace,
    state: watch::Sender<State>,
    suspicions: mpsc::Receiver<u64>,
) {
    let mut keeper = Keeper { client, login, pace, state, suspicions, epoch: 0, checked: None, rng: Rng::new() };
    while !keeper.state.is_closed() {
        let (session, term) = keeper.log_in().await;
        keeper.live(&session, term).await;
    }
}

struct Keeper {
    client: Arc<Client>,
    login: Login,
    pace: Pace,
    state: watch::Sender<State>,
    suspicions: mpsc::Receiver<u64>,
    epoch: u64,
    checked: Option<Instant>,
    rng: Rng,
}

/// How long a token lives.
struct Term {
    ttl: Option<Duration>,
    renewable: bool,
}

impl Keeper {
    /// Tries until it has a token.
    async fn log_in(&mut self) -> (Arc<Session>, Term) {
        let mut backoff = Backoff::new(self.pace.min, self.pace.max);
        loop {
            let error = match self.login.perform(&self.client).await {
                Ok(grant) => return self.publish(grant),
                Err(error) => error,
            };
            // A refusal too: while a platform is installed, roles come seconds after the pods that ask for them.
            let wait = backoff.next(error.retry_after(), &mut self.rng);
            self.report(&error, wait);
            if matches!(&error, LoginError::Vault(error) if error.is_transport()) {
                self.reload_trust();
            }
            sleep(wait).await;
        }
    }

    fn publish(&mut self, grant: Grant) -> (Arc<Session>, Term) {
        let Grant { token, ttl, renewable, ours } = grant;
        let previous = self.state.borrow().session.clone();
        let session = match previous {
            // A token file that still holds the same token: its leases live on.
            Some(previous) if previous.token.expose() == token.expose() => previous,
            _ => {
                self.epoch += 1;
                Arc::new(Session { token, epoch: self.epoch, ours })
            }
        };
        self.state.send_modify(|state| {
            state.session = Some(Arc::clone(&session));
            state.expires = ttl.map(|ttl| Instant::now() + ttl);
            state.error = None;
            state.failures = 0;
            state.logins += 1;
        });
        tracing::info!(ttl_seconds = ttl.map(|ttl| ttl.as_secs()), renewable, "logged in");
        (session, Term { ttl, renewable })
    }

    fn report(&self, error: &LoginError, wait: Duration) {
        let configuration = error.is_configuration();
        let wait_seconds = wait.as_secs_f32();
        if configuration {
            tracing::error!(%error, wait_seconds, "the login is refused: check role, bindings and files");
        } else {
            tracing::warn!(%error, wait_seconds, "the login failed");
        }
        self.state.send_modify(|state| {
            state.error = Some(Problem { message: error.to_string(), configuration });
            state.failures += 1;
        });
    }

    /// Authorities may have been renewed while the agent ran.
    fn reload_trust(&self) {
        if let Err(error) = self.client.reload_trust() {
            tracing::warn!(%error, "the authorities cannot be read again; the last ones stay in use");
        }
    }

    /// Keeps the token alive; returns when another one is needed.
    async fn live(&mut self, session: &Session, term: Term) {
        let begin = Instant::now();
        let Some(ttl) = term.ttl else {
            while !self.suspected_dead(session).await {}
            return;
        };
        let mut renewal = Renewal::begin(begin, ttl, term.renewable, &mut self.rng);
        loop {
            // A token file may hand out the same dying token again and again: not in a hot loop.
            let due = renewal.step().at().max(Instant::now() + Duration::from_millis(500));
            tokio::select! {
                () = sleep_until(due) => {}
                dead = self.suspected_dead(session) => if dead { return } else { continue },
            }
            if let Step::Replace(_) = renewal.step() {
                tracing::info!("the token nears its end: logging in again");
                return;
            }
            match self.renew(session).await {
                Ok(ttl) => {
                    let now = Instant::now();
                    renewal.renewed(now, ttl, &mut self.rng);
                    self.state.send_modify(|state| {
                        state.expires = Some(renewal.expires());
                        state.error = None;
                        state.renewals += 1;
                    });
                    tracing::debug!(ttl_seconds = ttl.as_secs(), "token renewed");
                }
                Err(error) => {
                    tracing::warn!(%error, "the token cannot be renewed now");
                    if error.is_forbidden() && self.is_dead(session).await {
                        return;
                    }
                    renewal.failed(Instant::now(), error.retry_after(), &mut self.rng);
                }
            }
        }
    }

    async fn renew(&self, session: &Session) -> Result<Duration, VaultError> {
        let call = Call { path: "auth/token/renew-self", token: Some(&session.token), ..Call::default() };
        let reply = self.client.put(call).await?;
        let seconds = reply.find(&["auth", "lease_duration"]).and_then(Json::as_u64);
        Ok(Duration::from_secs(seconds.unwrap_or_default()))
    }

    /// Waits for a suspicion against this token and looks into it.
    async fn suspected_dead(&mut self, session: &Session) -> bool {
        match self.suspicions.recv().await {
            Some(epoch) if epoch == session.epoch => self.is_dead(session).await,
            Some(_) => false,
            // Nobody is left who could use the token.
            None => std::future::pending().await,
        }
    }

    /// Asks the server whether it knows the token. Withdraws it at once when not.
    async fn is_dead(&mut self, session: &Session) -> bool {
        let now = Instant::now();
        if self.checked.is_some_and(|last| now < last + CHECK_INTERVAL) {
            return false;
        }
        let call = Call { path: "auth/token/lookup-self", token: Some(&session.token), ..Call::default() };
        let dead = match self.client.get(call).await {
            Ok(_) => false,
            Err(error) => error.is_forbidden() && !is_refusal_of_a_policy(&error),
        };
        self.checked = Some(now);
        if dead {
            tracing::warn!("the server does not know the token any more: logging in again");
            self.state.send_modify(|state| {
                state.session = None;
                state.expires = None;
            });
        }
        dead
    }
}

/// Whether the server knows the token and has a policy without `lookup-self` for it (`token_no_default_policy`). Then
/// the list of errors has one entry under a heading; for an unknown token it is bare in OpenBao and has two in Vault.
fn is_refusal_of_a_policy(error: &VaultError) -> bool {
    error.says("1 error occurred")
}
