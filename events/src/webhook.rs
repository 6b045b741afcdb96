//! Where ZITADEL's actions knock. A knock is no event: it only says that there is something to read, so nothing is lost
//! when one does not arrive, and nothing can be brought in by a forged one.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use tokio::sync::watch;

use crate::config::Webhook;
use crate::files;
use crate::metrics::Metrics;

/// Header with time and signature: `t=SECONDS,v1=HEX`.
const SIGNATURE: &str = "ZITADEL-Signature";

/// Largest body: ZITADEL sends one event.
const LARGEST: usize = 1 << 20;

struct Door {
    keys_file: PathBuf,
    tolerance: Duration,
    knock: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

/// The routes.
pub(crate) fn router(settings: &Webhook, knock: watch::Sender<u64>, metrics: Arc<Metrics>) -> Router {
    let door = Door { keys_file: settings.keys_file.clone(), tolerance: settings.tolerance.0, knock, metrics };
    Router::new()
        .route("/", post(receive))
        .route("/zitadel", post(receive))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::new(door))
}

async fn receive(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // Read each time: a rotated key is in use at once, and the file may hold the old one beside it.
    let Ok(keys) = files::secret(&door.keys_file) else {
        door.metrics.webhook("no_key");
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let verdict = verify(header, &body, keys.lines(), Timestamp::now().as_second(), door.tolerance);
    door.metrics.webhook(verdict.map_or_else(|reason| reason, |()| "accepted"));
    match verdict {
        Ok(()) => {
            door.knock.send_modify(|knocks| *knocks = knocks.wrapping_add(1));
            StatusCode::OK
        }
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

/// Whether one of the keys has signed it, and not too long ago.
fn verify<'a>(
    header: &str,
    body: &[u8],
    keys: impl Iterator<Item = &'a str>,
    now: i64,
    tolerance: Duration,
) -> Result<(), &'static str> {
    let part = |name: &str| {
        header
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
            .collect::<Vec<_>>()
    };
    let time: i64 = part("t").first().and_then(|time| time.parse().ok()).ok_or("unsigned")?;
    let signatures: Vec<Vec<u8>> = part("v1").into_iter().filter_map(unhex).collect();
    if signatures.is_empty() {
        return Err("unsigned");
    }
    if now.abs_diff(time) > tolerance.as_secs() {
        return Err("expired");
    }
    for key in keys.filter(|key| !key.is_empty()) {
        for signature in &signatures {
            // A key of any length will do.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { continue };
            mac.update(time.to_string().as_bytes());
            mac.update(b".");
            mac.update(body);
            if mac.verify_slice(signature).is_ok() {
                return Ok(());
            }
        }
    }
    Err("forged")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
