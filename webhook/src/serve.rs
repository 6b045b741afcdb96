//! `serve`: the parts, wired.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use blinkchamber_certs::{Authority, FileSource, Served, Source, Trust, server_config};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::admin::{self, Admin};
use crate::authority::Current;
use crate::bundle::Owner;
use crate::http::Admission;
use crate::keeper::Keeper;
use crate::load::{Load, Most};
use crate::metrics::Metrics;
use crate::reconcile::Reconciler;
use crate::server::{Limits, Server};
use crate::settings::{Certificates, Settings};

/// Why the server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot set up certificates")]
    Certificates(#[from] blinkchamber_certs::Error),
    #[error("cannot find the API server")]
    Cluster(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    #[error("a part of the server ended by itself: {0}")]
    Ended(String),
}

/// How long the API server may take to answer us.
const API_TIME: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(settings: Settings) -> Result<(), Error> {
    let Settings { listen, admin_listen, certificates, place, drain_delay, .. } = settings;
    let metrics = Arc::new(Metrics::new());
    let closing = Arc::new(AtomicBool::new(false));
    let served = Arc::new(Served::default());
    let tls = server_config(Arc::clone(&served))?;
    let keeper = keeper(certificates, place.is_some(), served, &metrics)?;
    let defaults = Current::new(settings.defaults, settings.published.is_some());
    let admin = Arc::new(Admin {
        keeper: Arc::clone(&keeper),
        defaults: defaults.clone(),
        metrics: Arc::clone(&metrics),
        closing: Arc::clone(&closing),
    });
    let (listener, admin_listener) = (bind(listen).await?, bind(admin_listen).await?);
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;

    let mut parts = JoinSet::new();
    parts.spawn({
        let keeper = Arc::clone(&keeper);
        async move { keeper.run().await }
    });
    parts.spawn({
        let routes = admin::router(Arc::clone(&admin));
        async move { axum::serve(admin_listener, routes).await.unwrap_or_else(|error| error!(%error, "admin port failed")) }
    });
    if place.is_some() || settings.reconcile || settings.published.is_some() {
        let client = client().await?;
        if let Some(place) = place {
            let owner = Owner { client: client.clone(), place, keeper, metrics: Arc::clone(&metrics) };
            parts.spawn(async move { owner.run().await });
        }
        if let Some(published) = settings.published {
            let (defaults, client) = (defaults.clone(), client.clone());
            parts.spawn(async move { defaults.follow(client, published).await });
        }
        if settings.reconcile {
            let (defaults, identity) = (defaults.clone(), settings.identity);
            let reconciler = Reconciler { client, defaults, admin, identity };
            parts.spawn(async move { reconciler.run().await });
        }
    }
    let stop = CancellationToken::new();
    let server = Server {
        acceptor: TlsAcceptor::from(Arc::new(tls)),
        admission: Arc::new(Admission { defaults, metrics: Arc::clone(&metrics), closing: Arc::clone(&closing) }),
        load: Load::new(Most::default(), Arc::clone(&metrics)),
        limits: Limits::default(),
        metrics,
    };
    let serving = tokio::spawn(server.run(listener, stop.clone()));
    info!(%listen, %admin_listen, "listening");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        Some(ended) = parts.join_next() => {
            return Err(Error::Ended(ended.err().map_or_else(|| "without a reason".to_owned(), |error| error.to_string())));
        }
    }
    info!("ending: requests go elsewhere from now on");
    closing.store(true, Ordering::Relaxed);
    sleep(drain_delay).await;
    stop.cancel();
    serving.await.map_err(|error| Error::Ended(error.to_string()))
}

/// What looks after the certificate, with the first one in use.
fn keeper(
    certificates: Certificates,
    observed: bool,
    served: Arc<Served>,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Keeper>, Error> {
    let settle = match &certificates {
        Certificates::Files(_) => SETTLE,
        Certificates::Own(profile) => SETTLE.min(profile.leaf_lifetime / 10),
    };
    let trust = if observed { Trust::observed(settle) } else { Trust::assumed() };
    let source = match certificates {
        Certificates::Files(paths) => Source::Files(Box::new(FileSource::new(paths))),
        Certificates::Own(profile) => Source::Own(Box::new(Authority::new(profile, SystemTime::now())?)),
    };
    let keeper = Arc::new(Keeper::new(source, trust, served, Arc::clone(metrics)));
    // Wrong files at the start are a mistake to tell at once; later they are one to outlive.
    keeper.tick(SystemTime::now())?;
    Ok(keeper)
}

/// How long an authority is in the bundle before it counts: the API server takes a moment to notice.
const SETTLE: Duration = Duration::from_secs(3);

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

async fn client() -> Result<kube::Client, Error> {
    let mut config = kube::Config::infer().await.map_err(|error| Error::Cluster(error.into()))?;
    config.connect_timeout = Some(API_TIME);
    config.read_timeout = Some(API_TIME);
    config.write_timeout = Some(API_TIME);
    kube::Client::try_from(config).map_err(|error| Error::Cluster(error.into()))
}
