//! `/livez`, `/readyz` and `/metrics`, plain HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::command::Failure;
use crate::metrics::Metrics;

/// The routes for probes and Prometheus. A replica is ready when it runs: that a server is away is the alerts' matter, and
/// taking the replica out of a Service would not bring it back.
pub(crate) fn router(metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .route("/metrics", get(text))
        .with_state(metrics)
}

/// Serves in a task of its own, for as long as the process lives.
///
/// # Errors
/// When the port cannot be had.
pub(crate) async fn serve(address: SocketAddr, routes: Router) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Failure::Server(format!("listen on {address}: {error}")))?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(())
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text())
}
