//! Failing on demand: `PUT /debug/faults` with `{"kind": "status", "status": 503, "count": 3}` spoils the next requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::api::{Failure, State};

/// What happens to the next requests.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Option<Fault>>);

#[derive(Clone, Deserialize)]
struct Fault {
    #[serde(flatten)]
    kind: Kind,
    /// Requests that are spoilt.
    count: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    /// An error; 429 asks to wait for a second.
    Status { status: u16 },
    /// A proxy's page in place of an answer.
    Garbage,
    /// Bytes that are no UTF-8 and no JSON.
    Noise,
    /// The connection ends in the middle of the answer.
    Half,
    /// The answer comes late.
    Slow { millis: u64 },
}

pub(super) async fn set(Shared(state): Shared<Arc<State>>, body: String) -> Result<&'static str, Failure> {
    let fault = serde_json::from_str(&body).map_err(|error| Failure::invalid(error.to_string()))?;
    *state.faults.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    Ok("ok")
}

pub(super) async fn inject(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    match state.faults.take() {
        None => next.run(request).await,
        Some(Kind::Status { status }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = Failure(status, 13, "on demand".into()).into_response();
            if status == StatusCode::TOO_MANY_REQUESTS {
                response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            }
            response
        }
        Some(Kind::Garbage) => "<html><body>Bad gateway</body></html>".into_response(),
        Some(Kind::Noise) => Bytes::from_static(b"{\"events\": [\xff\xfe").into_response(),
        Some(Kind::Half) => half(next.run(request).await).await,
        Some(Kind::Slow { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            next.run(request).await
        }
    }
}

impl Faults {
    fn take(&self) -> Option<Kind> {
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = fault.as_mut()?;
        left.count = left.count.checked_sub(1)?;
        Some(left.kind)
    }
}

/// Announces all of the body and sends half of it.
async fn half(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    Response::from_parts(parts, Body::from_stream(Cut(Some(whole.slice(..whole.len() / 2)))))
}

/// A piece, then an error.
struct Cut(Option<Bytes>);

impl futures_core::Stream for Cut {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let next = self.0.take().map_or_else(|| Err(std::io::ErrorKind::ConnectionReset.into()), Ok);
        std::task::Poll::Ready(Some(next))
    }
}
