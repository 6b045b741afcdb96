//! The TLS port's only route: `POST /mutate`.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use self::refusal::Refusal;
use crate::authority::Current;
use crate::load::{Charge, Client};
use crate::metrics::Metrics;
use crate::mutate::{Failure, Outcome, mutate};

pub(crate) mod refusal;

#[cfg(test)]
mod tests;

/// What the API server may send: 3 MiB is what it accepts itself.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// Values of one review. Each takes up to a hundred bytes while the pod is worked on, however short its text is.
pub(crate) const MOST_VALUES: usize = 256 * 1024;

/// How long a body may take; the API server's own patience is 10 s by default.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);

/// What requests need.
pub(crate) struct Admission {
    pub(crate) defaults: Current,
    pub(crate) metrics: Arc<Metrics>,
    /// The process is about to end: clients are asked to connect elsewhere.
    pub(crate) closing: Arc<AtomicBool>,
}

impl Admission {
    /// Answers one request of this client, apart from any socket.
    pub(crate) async fn answer<B>(&self, client: &Client, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Display,
    {
        let start = Instant::now();
        let version = request.version();
        let (outcome, mut response) = match self.review(client, request).await {
            Ok((outcome, answer)) => (outcome, typed(StatusCode::OK, "application/json", answer)),
            Err(rejection) => (rejection.refusal.row().outcome, rejection.response()),
        };
        if self.closing.load(Ordering::Relaxed) && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.metrics.request(outcome, start.elapsed());
        response
    }

    async fn review<B>(&self, client: &Client, request: Request<B>) -> Result<(&'static str, Bytes), Rejection>
    where
        B: Body<Data = Bytes>,
        B::Error: Display,
    {
        let (head, body) = request.into_parts();
        check_route(&head.method, head.uri.path())?;
        check_type(&head.headers)?;
        let mut charge = client.charge();
        let body = read(&head.headers, body, &mut charge).await?;
        check_values(&body)?;
        let verdict = catch_unwind(AssertUnwindSafe(|| mutate(&body, &self.defaults.load())))
            .map_err(|panic| panicked(panic.as_ref()))?
            .map_err(|failure| rejected(&failure))?;
        if !charge.grow(verdict.answer.len()) {
            return Err(busy());
        }
        let outcome = self.note(&verdict.namespace, &verdict.outcome);
        Ok((outcome, charge.keep(verdict.answer)))
    }

    /// Counts and logs what became of a pod; gives it its name in the metrics.
    fn note(&self, namespace: &str, outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Injected => {
                self.metrics.injection(namespace);
                info!(namespace, "pod injected");
                "injected"
            }
            Outcome::Refused(reason) => {
                info!(namespace, reason, "pod refused");
                "refused"
            }
            Outcome::Skipped => {
                debug!(namespace, "pod left alone");
                "skipped"
            }
            Outcome::Unchanged => {
                debug!(namespace, "pod already injected");
                "unchanged"
            }
        }
    }
}

/// An answer that is no review.
struct Rejection {
    refusal: Refusal,
    message: String,
}

impl Rejection {
    fn response(self) -> Response<Full<Bytes>> {
        let status = self.refusal.row().status;
        let mut response = typed(status, "text/plain; charset=utf-8", (self.message + "\n").into());
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            // The API server's client then tries again by itself.
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

fn typed(status: StatusCode, media: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

fn check_route(method: &Method, path: &str) -> Result<(), Rejection> {
    let (refusal, message) = match (path, method) {
        ("/mutate", &Method::POST) => return Ok(()),
        ("/mutate", _) => (Refusal::WrongMethod, "only POST is answered here"),
        _ => (Refusal::NotFound, "nothing is here: reviews are answered at /mutate"),
    };
    Err(Rejection { refusal, message: message.to_owned() })
}

fn check_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Rejection {
        refusal: Refusal::Unsupported,
        message: format!("content type {given:?} is not supported: expected application/json"),
    })
}

async fn read<B>(headers: &HeaderMap, body: B, charge: &mut Charge) -> Result<Bytes, Rejection>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(oversized());
    }
    timeout(BODY_TIME, collect(body, charge)).await.unwrap_or_else(|_| {
        Err(Rejection {
            refusal: Refusal::Timeout,
            message: format!("the body did not arrive within {} s", BODY_TIME.as_secs()),
        })
    })
}

/// What has arrived is charged, not what was announced: an announcement costs the client nothing.
async fn collect<B>(body: B, charge: &mut Charge) -> Result<Bytes, Rejection>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let mut body = pin!(body);
    // Most bodies come in one piece, which need not be copied.
    let mut whole = Bytes::new();
    let mut copied = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Rejection {
            refusal: Refusal::Malformed,
            message: format!("the body cannot be read: {error}"),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > BODY_LIMIT {
            return Err(oversized());
        }
        if !charge.grow(data.len()) {
            return Err(busy());
        }
        if length == data.len() {
            whole = data;
            continue;
        }
        if copied.is_empty() {
            copied.extend_from_slice(&whole);
        }
        copied.extend_from_slice(&data);
    }
    Ok(if copied.is_empty() { whole } else { copied.into() })
}

/// Refuses a body that is small as a text and large as a tree.
fn check_values(body: &[u8]) -> Result<(), Rejection> {
    let starts = |byte: &u8| matches!(byte, b',' | b'[' | b'{' | b':');
    // Texts hold such bytes too, but telling takes longer and is hardly ever needed.
    if body.iter().filter(|byte| starts(byte)).count() <= MOST_VALUES {
        return Ok(());
    }
    let (mut count, mut text, mut escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = text,
            b'"' => text = !text,
            other => count += usize::from(!text && starts(other)),
        }
    }
    if count <= MOST_VALUES {
        return Ok(());
    }
    Err(Rejection {
        refusal: Refusal::Oversized,
        message: format!("the body has {count} values, at most {MOST_VALUES} are accepted"),
    })
}

fn oversized() -> Rejection {
    Rejection { refusal: Refusal::Oversized, message: format!("the body is larger than {BODY_LIMIT} bytes") }
}

/// Memory has a bound, so what does not fit is for the client to ask again.
fn busy() -> Rejection {
    debug!("request turned away: too many bytes of reviews and answers in hand");
    Rejection {
        refusal: Refusal::Busy,
        message: "the injector has as many bytes of reviews and answers in hand as it may: try again in a second"
            .to_owned(),
    }
}

fn rejected(failure: &Failure) -> Rejection {
    warn!(error = %failure, "request rejected");
    let refusal = match failure {
        Failure::Malformed(_) => Refusal::Malformed,
        Failure::Write(_) => Refusal::Failed,
    };
    Rejection { refusal, message: failure.to_string() }
}

/// A defect of ours costs one request, not the server. What the panic said may hold a part of the pod, so only our
/// own fixed texts are logged.
fn panicked(panic: &(dyn Any + Send)) -> Rejection {
    error!(panic = panic.downcast_ref::<&'static str>().copied().unwrap_or("with data"), "request panicked");
    Rejection {
        refusal: Refusal::Panicked,
        message: "the injector failed on this request; its log says where".to_owned(),
    }
}
