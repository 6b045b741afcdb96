//! The TLS port's accept loop.
//!
//! Our own, because a stalled handshake must not hold up the next connection, a silent client must not hold one for
//! ever, and the end must come in order: no new connections, requests in progress finish, then the rest is closed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// Limits in time and number.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) handshake: Duration,
    /// From the handshake to a complete request head.
    pub(crate) first_request: Duration,
    /// Without a complete request head. Above the API server's 90 s: who closes first must not be us, or a request
    /// that is on its way is lost.
    pub(crate) idle: Duration,
    /// For requests in progress at the end.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(5),
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            drain: Duration::from_secs(15),
        }
    }
}

/// One TLS port.
pub(crate) struct Server {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
}

impl Server {
    /// Accepts until `stop`, then waits for requests in progress.
    pub(crate) async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let server = Arc::new(self);
        let slots = Arc::new(Semaphore::new(server.limits.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: trying again at once would only burn the processor.
                    warn!(%error, "connection not accepted");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                server.metrics.connections_refused.inc();
                warn!(limit = server.limits.connections, "connection refused: too many");
                continue;
            };
            let (server, watcher) = (Arc::clone(&server), graceful.watcher());
            tokio::spawn(async move {
                server.connection(stream, watcher).await;
                drop(slot);
            });
        }
        drop(listener);
        if timeout(server.limits.drain, graceful.shutdown()).await.is_err() {
            warn!("requests were still in progress at the end");
        }
        info!("connections drained");
    }

    async fn connection(&self, stream: TcpStream, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "no TCP_NODELAY");
        }
        let stream = match timeout(self.limits.handshake, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.refused(&error.to_string()),
            Err(_) => return self.refused("handshake took too long"),
        };
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let asked = Arc::clone(&asked);
            service_fn(move |request: http::Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                self.router.clone().oneshot(request)
            })
        };
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.limits.idle);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let mut connection = pin!(watcher.watch(builder.serve_connection(TokioIo::new(stream), service)));
        let ended = match timeout(self.limits.first_request, connection.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if asked.load(Ordering::Relaxed) => connection.await,
            Err(_) => return self.refused("no request"),
        };
        if let Err(error) = ended {
            debug!(%error, "connection ended");
        }
    }

    fn refused(&self, reason: &str) {
        self.metrics.connections_refused.inc();
        debug!(reason, "connection refused");
    }
}
