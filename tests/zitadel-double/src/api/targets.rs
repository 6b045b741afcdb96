//! Targets of Actions v2: every event is sent to each of them, signed with a key of its own. At most once, as ZITADEL does.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State as Shared;
use axum::{Extension, Json};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::{Failure, State, require};
use crate::setup::random_token;
use crate::store::{self, INSTANCE, NewEvent, Owner};

/// The targets of this process; ZITADEL would store them.
#[derive(Clone, Default)]
pub(crate) struct Targets(Arc<Mutex<Vec<Target>>>);

#[derive(Clone)]
struct Target {
    authority: String,
    path: String,
    key: String,
}

#[derive(Deserialize)]
struct Add {
    endpoint: String,
}

/// Takes a target for all events; tells its signing key, once.
pub(super) async fn add(
    Shared(state): Shared<Arc<State>>,
    Extension(owner): Extension<Owner>,
    body: String,
) -> Result<Json<Value>, Failure> {
    require(&owner, &["IAM_OWNER"])?;
    let request: Add = serde_json::from_str(&body).map_err(|error| Failure::invalid(error.to_string()))?;
    let address = request.endpoint.strip_prefix("http://").ok_or_else(|| Failure::invalid("endpoint: http:// only"))?;
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let key = random_token()?;
    let target = Target { authority: authority.to_owned(), path: format!("/{path}"), key: key.clone() };
    state.targets.0.lock().unwrap_or_else(PoisonError::into_inner).push(target);
    Ok(Json(json!({"id": store::new_id(), "signingKey": key})))
}

impl Targets {
    /// Calls all of them, without waiting.
    pub(super) fn call(&self, event: &NewEvent<'_>, sequence: i64) {
        let (aggregate_type, aggregate_id) = event.aggregate;
        let body = json!({
            "aggregateID": aggregate_id, "aggregateType": aggregate_type, "resourceOwner": event.owner,
            "instanceID": INSTANCE, "version": "v1", "sequence": sequence, "event_type": event.kind,
            "created_at": Timestamp::now().to_string(), "userID": event.creator, "event_payload": event.payload
        })
        .to_string();
        let targets = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for target in targets {
            let body = body.clone();
            // An error is the end of it: nothing is sent again.
            tokio::spawn(async move { drop(send(&target, &body).await) });
        }
    }
}

async fn send(target: &Target, body: &str) -> std::io::Result<()> {
    let time = Timestamp::now().as_second();
    let mut mac =
        Hmac::<Sha256>::new_from_slice(target.key.as_bytes()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    mac.update(format!("{time}.{body}").as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut stream = TcpStream::connect(&target.authority).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nZITADEL-Signature: t={time},v1={signature}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        target.path,
        target.authority,
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map(drop)
}
