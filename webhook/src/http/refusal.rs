//! Answers that are no review: each kind has a status, a name in the metrics, and a row in the reference.

use http::StatusCode;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Malformed,
    NotFound,
    WrongMethod,
    Timeout,
    Oversized,
    Unsupported,
    Panicked,
    Failed,
    Busy,
}

/// What the metrics call it, its status, and when it is given.
pub(crate) struct Row {
    pub(crate) refusal: Refusal,
    pub(crate) outcome: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) when: &'static str,
}

/// All of them, by status.
pub(crate) const ROWS: [Row; 9] = [
    row(Refusal::Malformed, "malformed", StatusCode::BAD_REQUEST, "the body is no review, or breaks off"),
    row(Refusal::NotFound, "unknown", StatusCode::NOT_FOUND, "another path than `/mutate`"),
    row(Refusal::WrongMethod, "unknown", StatusCode::METHOD_NOT_ALLOWED, "another method than `POST`"),
    row(Refusal::Timeout, "timeout", StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s"),
    row(
        Refusal::Oversized,
        "oversized",
        StatusCode::PAYLOAD_TOO_LARGE,
        "more than 3 MiB, or more than 262144 JSON values",
    ),
    row(Refusal::Unsupported, "unsupported", StatusCode::UNSUPPORTED_MEDIA_TYPE, "not `application/json`"),
    row(
        Refusal::Panicked,
        "panicked",
        StatusCode::INTERNAL_SERVER_ERROR,
        "a defect of the webhook; its log says where",
    ),
    row(Refusal::Failed, "failed", StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"),
    row(
        Refusal::Busy,
        "busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "32 MiB of reviews and answers are in hand, or 12 MiB for this address; with `Retry-After: 1`, after which the \
         API server's client asks again",
    ),
];

const fn row(refusal: Refusal, outcome: &'static str, status: StatusCode, when: &'static str) -> Row {
    Row { refusal, outcome, status, when }
}

impl Refusal {
    /// Its row; every kind has one, which a test holds.
    pub(crate) fn row(self) -> &'static Row {
        let [first, ..] = &ROWS;
        ROWS.iter().find(|row| row.refusal == self).unwrap_or(first)
    }
}
