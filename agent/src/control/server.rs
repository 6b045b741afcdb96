//! The answering side.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    future::Future,
    io,
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
        net,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::fs::OFlags;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    SOCKET,
    message::{BadRequest, MAX_REQUEST, Readiness, Request, Response, line},
};

/// Connections that are served at once; more wait in the system's queue.
const CONNECTIONS: usize = 64;
/// Who connects has its request ready.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);
const RESPONSE_LIMIT: Duration = Duration::from_secs(5);
/// A refresh asks the server for every static secret.
const HANDLER_LIMIT: Duration = Duration::from_secs(55);
/// Pause when the system has no handles left.
const PAUSE: Duration = Duration::from_millis(100);
/// Where the socket is made before it gets its name; nobody else may enter.
const WORKSHOP: &str = ".agent.sock.new";
const LOCK: &str = ".agent.lock";

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Whether every file is in place.
    fn ready(&self) -> impl Future<Output = Readiness> + Send;
    /// What the agent tells about itself.
    fn status(&self) -> impl Future<Output = Value> + Send;
    /// Looks at all static secrets and comes back when that is done; the error says why it was not.
    fn refresh(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ServerError {
    /// Two agents cannot share a home directory.
    #[error("another agent runs with the home directory {}; give each its own", home.display())]
    Taken {
        /// The directory.
        home: PathBuf,
    },
    /// The system said no.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A socket that is answered as long as this lives; then it is removed.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    task: AbortHandle,
    /// Held by the one agent that uses the directory; the system lets go of it when the process ends in any way.
    _lock: File,
}

impl Server {
    /// Makes `agent.sock` in the directory `home`, in place of one that a killed agent left, and answers on it.
    ///
    /// # Errors
    ///
    /// When another agent uses the directory, or the system does not let us.
    pub(crate) fn start(home: &Path, handler: impl Handler) -> Result<Self, ServerError> {
        let lock = lock(home)?;
        let path = home.join(SOCKET);
        // Somebody may listen there without our lock.
        if net::UnixStream::connect(&path).is_ok() {
            return Err(ServerError::Taken { home: home.to_path_buf() });
        }
        let listener = bind(home, &path)?;
        listener.set_nonblocking(true).map_err(failed("use", &path))?;
        let listener = UnixListener::from_std(listener).map_err(failed("use", &path))?;
        let task = tokio::spawn(accept(listener, Arc::new(handler))).abort_handle();
        Ok(Self { path, task, _lock: lock })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the control socket stays");
        }
    }
}

fn lock(home: &Path) -> Result<File, ServerError> {
    let path = home.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&path);
    let file = file.map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::Taken { home: home.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
    }
}

/// Listens before the socket has its name and mode before anybody can reach it.
fn bind(home: &Path, path: &Path) -> Result<net::UnixListener, ServerError> {
    let workshop = home.join(WORKSHOP);
    let unnamed = workshop.join("s");
    clear(&workshop, &unnamed);
    DirBuilder::new().mode(0o700).create(&workshop).map_err(failed("make the directory", &workshop))?;
    let made = (|| {
        let listener = net::UnixListener::bind(&unnamed).map_err(failed("make the socket", &unnamed))?;
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&unnamed, mode).map_err(failed("set the mode of", &unnamed))?;
        fs::rename(&unnamed, path).map_err(failed("make the socket", path))?;
        Ok(listener)
    })();
    clear(&workshop, &unnamed);
    made
}

/// Nothing may be there; what stays in the way is told by the step that needs its place.
fn clear(workshop: &Path, unnamed: &Path) {
    fs::remove_file(unnamed).ok();
    fs::remove_dir(workshop).ok();
}

fn failed<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ServerError + use<'a> {
    move |source| ServerError::Io { operation, path: path.to_path_buf(), source }
}

async fn accept(listener: UnixListener, handler: Arc<impl Handler>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    serve(stream, &*handler).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket cannot accept");
                sleep(PAUSE).await;
            }
        }
    }
}

/// One request, one answer. Who goes away early or says nothing gets nothing.
async fn serve(mut stream: UnixStream, handler: &impl Handler) {
    let response = match timeout(REQUEST_LIMIT, receive(&mut stream)).await {
        Ok(Ok(Ok(request))) => answer(request, handler).await,
        Ok(Ok(Err(bad))) => Response::Error { message: bad.to_string() },
        Ok(Err(_)) | Err(_) => return,
    };
    let line = line(&response);
    // A client that does not read loses its answer and nothing else.
    let _ = timeout(RESPONSE_LIMIT, async {
        stream.write_all(&line).await?;
        stream.shutdown().await
    })
    .await;
}

async fn answer(request: Request, handler: &impl Handler) -> Response {
    let answered = async {
        match request {
            Request::Ready => Response::Ready(handler.ready().await),
            Request::Status => Response::Status { status: handler.status().await },
            Request::Refresh => match handler.refresh().await {
                Ok(()) => Response::Refreshed,
                Err(message) => Response::Error { message },
            },
        }
    };
    let late = || Response::Error { message: format!("not done within {} s", HANDLER_LIMIT.as_secs()) };
    timeout(HANDLER_LIMIT, answered).await.unwrap_or_else(|_elapsed| late())
}

/// Reads up to the end of the first line, or of the stream. The buffer never grows beyond the limit.
async fn receive(stream: &mut UnixStream) -> io::Result<Result<Request, BadRequest>> {
    let mut buffer = [0; MAX_REQUEST];
    let mut length = 0;
    loop {
        let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) else {
            return Ok(Err(BadRequest::TooLong));
        };
        let count = stream.read(room).await?;
        length = length.saturating_add(count);
        let received = buffer.get(..length).unwrap_or_default();
        let mut lines = received.splitn(2, |byte| *byte == b'\n');
        match (lines.next(), lines.next()) {
            (Some(line), Some(_)) => return Ok(Request::parse(line)),
            (Some(line), None) if count == 0 => return Ok(Request::parse(line)),
            _ => {}
        }
    }
}
