//! `/livez`, `/readyz` and `/metrics`, plain HTTP, and the signals that end the program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::State;
use crate::Failure;
use crate::end::Signals;

/// Serves in a thread of its own, for as long as the process lives.
///
/// # Errors
/// [`Failure::Unreachable`] when the port cannot be had.
pub(super) fn serve(listen: SocketAddr, state: Arc<State>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Unreachable(format!("listen on {listen}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (listener, mut signals) =
        runtime.block_on(async { Ok((TcpListener::bind(listen).await?, Signals::new()?)) }).map_err(failed)?;
    let routes = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(&state));
    thread::spawn(move || {
        runtime.block_on(async move {
            tokio::spawn(async move { axum::serve(listener, routes).await });
            signals.any().await;
            state.ends.store(true, Ordering::Relaxed);
            // Probes are answered until the process has ended.
            std::future::pending::<()>().await;
        });
    });
    Ok(())
}

async fn ready(Shared(state): Shared<Arc<State>>) -> impl IntoResponse {
    if state.converged.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the server is not yet what this pod was told\n")
    }
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], state.metrics.text())
}
