//! Gives back what the agent obtained and does not need any more.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::Engine;
use crate::{
    session::Session,
    vault::{Call, Client},
};

/// The server's last chance at the end of the agent.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// Something superseded.
enum Parting {
    Lease(String),
    Token,
}

impl Engine {
    /// A lease was replaced while its token lives on: it is given back once the application had time to change over.
    pub(super) fn supersede_lease(&mut self, id: String, left: Duration) {
        let drain = self.settings.drain;
        // It ends by itself about as soon.
        if left <= drain * 2 {
            return;
        }
        if let Some(session) = self.session.clone() {
            self.part(session, Parting::Lease(id), drain);
        }
    }

    /// Everything of the last token was replaced: the token is given back, and its leases with it.
    pub(super) fn supersede_token(&mut self) {
        let Some(current) = self.session.as_ref().map(|session| session.epoch) else { return };
        if self.slots.values().any(|slot| slot.is_of_another_token(current)) {
            return;
        }
        for session in std::mem::take(&mut self.superseded) {
            // Whoever reads the token from a file may still use the old one.
            if session.ours && self.settings.sinks.is_empty() {
                self.part(session, Parting::Token, self.settings.drain);
            }
        }
    }

    fn part(&mut self, session: Arc<Session>, parting: Parting, drain: Duration) {
        let client = Arc::clone(&self.client);
        self.partings.spawn(async move {
            sleep(drain).await;
            let (what, path, body) = match parting {
                Parting::Lease(id) => ("lease", "sys/leases/revoke", Some(json!({ "lease_id": id }).to_string())),
                Parting::Token => ("token", "auth/token/revoke-self", None),
            };
            let body = Zeroizing::new(body.unwrap_or_else(|| "{}".to_owned()).into_bytes());
            let call = Call { path, body: Some(body), token: Some(&session.token), ..Call::default() };
            // A policy need not allow it: it ends by itself, only later.
            match client.put(call).await {
                Ok(_) => tracing::info!(what, "given back what was superseded"),
                Err(error) => {
                    tracing::debug!(%error, what, "what was superseded cannot be given back; it ends by itself")
                }
            }
        });
        while self.partings.try_join_next().is_some() {}
    }

    /// The end: waits for the application to finish and gives the token and all its leases back.
    pub(super) async fn give_back(&self) {
        let Some(session) = self.session.as_ref().filter(|session| session.ours) else { return };
        sleep(self.settings.revoke_grace).await;
        match timeout(LAST_REQUEST, revoke(&self.client, session)).await {
            Ok(true) => tracing::info!("token and leases given back"),
            Ok(false) => {}
            Err(_elapsed) => tracing::warn!("the server did not take the token back in time; it ends by itself"),
        }
    }
}

async fn revoke(client: &Client, session: &Session) -> bool {
    let body = Some(Zeroizing::new(b"{}".to_vec()));
    let call = Call { path: "auth/token/revoke-self", body, token: Some(&session.token), ..Call::default() };
    match client.put(call).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "the token cannot be given back; it ends by itself");
            false
        }
    }
}
