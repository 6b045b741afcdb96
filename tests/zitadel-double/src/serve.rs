//! `start`: the server, and `ready`: the question whether it can do its work.

use std::fs;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::api::{self, Faults, State, Targets};
use crate::cache::Cache;
use crate::cli::TlsMode;
use crate::config::Config;
use crate::error::Error;
use crate::masterkey::MasterKey;
use crate::store::Store;
use crate::{say, tls};

/// Serves until `ended`. Nothing is read again meanwhile.
pub(crate) async fn serve(
    config: Config,
    masterkey: &MasterKey,
    mode: Option<TlsMode>,
    ended: impl Future<Output = ()>,
) -> Result<(), Error> {
    let acceptor = acceptor(&config, mode)?;
    let store = Store::connect(&config.database)?;
    match store.masterkey_check().await? {
        None => return Err(Error::NotSetUp),
        Some(known) if known != masterkey.check_value()? => return Err(Error::MasterKeyDiffers),
        Some(_) => {}
    }
    let cache = config.cache.as_ref().map(|settings| Cache::connect(settings, system_authorities()?.as_deref()));
    let address = ("0.0.0.0", config.port);
    let source = |source| Error::Io { what: format!("listen on port {}", address.1), source };
    let listener = TcpListener::bind(address).await.map_err(source)?;
    let state = State {
        issuer: config.issuer(),
        store,
        cache: cache.transpose()?,
        faults: Faults::default(),
        targets: Targets::default(),
    };
    let app = api::router(Arc::new(state));
    say(&format!("server is listening on port {}", config.port));
    let mut ended = std::pin::pin!(ended);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut ended => break,
        };
        // A connection that failed before it was taken is its client's matter.
        let Ok((stream, _)) = accepted else { continue };
        tokio::spawn(connection(stream, acceptor.clone(), app.clone()));
    }
    say("server is shut down");
    Ok(())
}

/// Becomes ready with TERM or INT.
///
/// # Errors
/// When signals cannot be waited for.
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    let on = |kind| signal(kind).map_err(|source| Error::Io { what: "wait for signals".into(), source });
    let (mut term, mut int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, app: axum::Router) {
    match acceptor {
        None => exchange(stream, app).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                exchange(stream, app).await;
            }
        }
    }
}

/// A client that goes away in the middle is no event.
async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, app: axum::Router) {
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)).await;
}

fn acceptor(config: &Config, mode: Option<TlsMode>) -> Result<Option<TlsAcceptor>, Error> {
    match (&config.tls, mode) {
        (_, Some(TlsMode::External | TlsMode::Disabled)) | (None, None) => Ok(None),
        (Some(files), _) => Ok(Some(TlsAcceptor::from(Arc::new(tls::server(files)?)))),
        (None, Some(TlsMode::Enabled)) => {
            let reason = "missing, but --tlsMode enabled needs it".into();
            Err(Error::Key { key: "TLS.CertPath".into(), reason })
        }
    }
}

/// The authorities that Go programs believe when they are told so: `SSL_CERT_FILE`.
fn system_authorities() -> Result<Option<Vec<u8>>, Error> {
    let read = |file: String| fs::read(&file).map_err(|source| Error::Io { what: format!("read {file}"), source });
    std::env::var("SSL_CERT_FILE").ok().map(read).transpose()
}

/// Asks `/debug/ready` of this machine; with TLS, whether the port answers is all that can be asked without its authority.
pub(crate) async fn ready(config: &Config) -> Result<(), Error> {
    let not_ready = |reason: String| Error::NotReady { reason };
    let mut stream =
        TcpStream::connect(("127.0.0.1", config.port)).await.map_err(|error| not_ready(error.to_string()))?;
    if config.tls.is_some() {
        return Ok(());
    }
    let request = b"GET /debug/ready HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).await.map_err(|error| not_ready(error.to_string()))?;
    stream.read_to_string(&mut answer).await.map_err(|error| not_ready(error.to_string()))?;
    let status = answer.lines().next().unwrap_or_default();
    if status.contains(" 200 ") { Ok(()) } else { Err(not_ready(status.to_owned())) }
}
