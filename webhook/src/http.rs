//! The TLS port's only route: `POST /mutate`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use blinkchamber_contract::plan::Defaults;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use crate::metrics::Metrics;
use crate::mutate::{Failure, Outcome, mutate};

#[cfg(test)]
mod tests;

/// What the API server may send: 3 MiB is what it accepts itself.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// How long a body may take; the API server's own patience is 10 s by default.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What requests need.
pub(crate) struct Admission {
    pub(crate) defaults: Defaults,
    pub(crate) metrics: Arc<Metrics>,
    /// The process is about to end: clients are asked to connect elsewhere.
    pub(crate) closing: Arc<AtomicBool>,
}

/// The routes, apart from any socket.
pub(crate) fn router(admission: Arc<Admission>) -> Router {
    Router::new().route("/mutate", post(answer)).with_state(admission)
}

async fn answer(State(admission): State<Arc<Admission>>, request: Request) -> Response {
    let start = Instant::now();
    let version = request.version();
    let (outcome, mut response) = match review(&admission, request).await {
        Ok((outcome, body)) => {
            (outcome, ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
        }
        Err(rejection) => (rejection.outcome, (rejection.status, rejection.message + "\n").into_response()),
    };
    if admission.closing.load(Ordering::Relaxed) && version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    admission.metrics.request(outcome, start.elapsed());
    response
}

/// An answer that is no review.
struct Rejection {
    outcome: &'static str,
    status: StatusCode,
    message: String,
}

async fn review(admission: &Admission, request: Request) -> Result<(&'static str, Vec<u8>), Rejection> {
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let body = read(&head.headers, body).await?;
    let verdict = catch_unwind(AssertUnwindSafe(|| mutate(&body, &admission.defaults)))
        .map_err(|panic| panicked(panic.as_ref()))?
        .map_err(|failure| rejected(&failure))?;
    let namespace = verdict.namespace;
    let outcome = match verdict.outcome {
        Outcome::Injected => {
            admission.metrics.injection(&namespace);
            info!(%namespace, "pod injected");
            "injected"
        }
        Outcome::Refused(reason) => {
            info!(%namespace, %reason, "pod refused");
            "refused"
        }
        Outcome::Skipped => {
            debug!(%namespace, "pod left alone");
            "skipped"
        }
        Outcome::Unchanged => {
            debug!(%namespace, "pod already injected");
            "unchanged"
        }
    };
    Ok((outcome, verdict.answer))
}

fn check_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Rejection {
        outcome: "unsupported",
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        message: format!("content type {given:?} is not supported: expected application/json"),
    })
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Rejection> {
    let oversized = || Rejection {
        outcome: "oversized",
        status: StatusCode::PAYLOAD_TOO_LARGE,
        message: format!("the body is larger than {BODY_LIMIT} bytes"),
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(oversized());
    }
    match timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(oversized()),
        Ok(Err(error)) => Err(Rejection {
            outcome: "malformed",
            status: StatusCode::BAD_REQUEST,
            message: format!("the body cannot be read: {error}"),
        }),
        Err(_) => Err(Rejection {
            outcome: "timeout",
            status: StatusCode::REQUEST_TIMEOUT,
            message: format!("the body did not arrive within {} s", BODY_TIME.as_secs()),
        }),
    }
}

fn rejected(failure: &Failure) -> Rejection {
    warn!(error = %failure, "request rejected");
    let (outcome, status) = match failure {
        Failure::Malformed(_) => ("malformed", StatusCode::BAD_REQUEST),
        Failure::Write(_) => ("failed", StatusCode::INTERNAL_SERVER_ERROR),
    };
    Rejection { outcome, status, message: failure.to_string() }
}

/// A defect of ours costs one request, not the server. What the panic said may hold a part of the pod, so only our
/// own fixed texts are logged.
fn panicked(panic: &(dyn Any + Send)) -> Rejection {
    error!(panic = panic.downcast_ref::<&'static str>().copied().unwrap_or("with data"), "request panicked");
    Rejection {
        outcome: "panicked",
        status: StatusCode::INTERNAL_SERVER_ERROR,
        message: "the injector failed on this request; its log says where".to_owned(),
    }
}
