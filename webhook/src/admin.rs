//! The admin port, plain HTTP:
//!
//! * `/livez`: the process answers.
//! * `/readyz`: the certificate is valid, clients trust its authority, and OpenBao's is known; otherwise 503 with the reason.
//! * `/metrics`: OpenMetrics.
//! * `/ca.pem`: the authorities to trust, for clients other than the API server (certificates are public).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use blinkchamber_certs::Bundle;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::authority::Current;
use crate::keeper::Keeper;
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// What the admin port shows.
pub(crate) struct Admin {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) defaults: Current,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) closing: Arc<AtomicBool>,
}

impl Admin {
    /// Why requests should go elsewhere, if they should.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        if self.closing.load(Ordering::Relaxed) {
            return Some("the process is about to end");
        }
        self.keeper.obstacle(SystemTime::now()).or_else(|| self.defaults.obstacle())
    }
}

/// The routes, apart from any socket.
pub(crate) fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/ca.pem", get(authorities))
        .with_state(admin)
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match admin.obstacle() {
        None => "ok\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    const OPEN_METRICS: HeaderValue =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    match admin.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn authorities(State(admin): State<Arc<Admin>>) -> String {
    Bundle { certificates: admin.keeper.authorities() }.to_pem()
}
