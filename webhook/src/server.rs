//! The TLS port's accept loop.
//!
//! Our own, because a stalled handshake must not hold up the next connection, a silent client must not hold one for
//! ever, and the end must come in order: no new connections, requests in progress finish, then the rest is closed.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::http::Admission;
use crate::load::{Client, Load};
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// Limits in time.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
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
    pub(crate) admission: Arc<Admission>,
    pub(crate) load: Arc<Load>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
}

impl Server {
    /// Accepts until `stop`, then waits for requests in progress.
    pub(crate) async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let server = Arc::new(self);
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, address)) => server.accepted(stream, address, &connections, &stop),
                Err(error) => {
                    // Out of file descriptors, most likely: trying again at once would only burn the processor.
                    warn!(%error, "connection not accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        connections.close();
        if timeout(server.limits.drain, connections.wait()).await.is_err() {
            warn!("requests were still in progress at the end");
        }
        info!("connections drained");
    }

    fn accepted(
        self: &Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        connections: &TaskTracker,
        stop: &CancellationToken,
    ) {
        match self.load.connect(address.ip()) {
            Ok(client) => {
                let (server, stop) = (Arc::clone(self), stop.clone());
                connections.spawn(async move { server.connection(stream, client, stop).await });
            }
            Err(reason) => self.refused(reason),
        }
    }

    async fn connection(&self, stream: TcpStream, client: Client, stop: CancellationToken) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "no TCP_NODELAY");
        }
        let accepted = tokio::select! {
            accepted = timeout(self.limits.handshake, self.acceptor.accept(stream)) => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.requests(stream, client, stop).await,
            Ok(Err(error)) => self.refused(&error.to_string()),
            Err(_) => self.refused("handshake took too long"),
        }
    }

    /// Answers until the client closes, is silent for too long, or the server stops.
    async fn requests(&self, stream: TlsStream<TcpStream>, client: Client, stop: CancellationToken) {
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (asked, client, admission) = (Arc::clone(&asked), Arc::new(client), Arc::clone(&self.admission));
            service_fn(move |request: http::Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                let (client, admission) = (Arc::clone(&client), Arc::clone(&admission));
                async move { Ok::<_, std::convert::Infallible>(admission.answer(&client, request).await) }
            })
        };
        let builder = self.builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let (mut patience, mut first) = (self.limits.first_request, true);
        let stopped = loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    return ended.unwrap_or_else(|error| debug!(%error, "connection ended"));
                }
                () = stop.cancelled() => break true,
                () = sleep(patience) => {}
            }
            // Every request of the last while counts, so an idle connection is found after one to two limits.
            if !asked.swap(false, Ordering::Relaxed) {
                if first {
                    return self.refused("no request");
                }
                break false;
            }
            (patience, first) = (self.limits.idle, false);
        };
        connection.as_mut().graceful_shutdown();
        let ended = timeout(self.limits.drain, connection).await;
        if !stopped {
            debug!(in_order = ended.is_ok(), "idle connection closed");
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        /// Bytes of a request's head, and of what is read ahead, for a connection.
        const READ_AHEAD: u32 = 64 * 1024;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(READ_AHEAD as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .initial_connection_window_size(4 * READ_AHEAD)
            .initial_stream_window_size(4 * READ_AHEAD)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        builder
    }

    fn refused(&self, reason: &str) {
        self.metrics.connections_refused.inc();
        debug!(reason, "connection refused");
    }
}
