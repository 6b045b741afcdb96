//! The asking side. Blocks and needs no runtime: a probe starts this program every few seconds.

use std::{
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType,
        sockopt::{self, Timeout},
    },
};

use super::message::{Request, Response, line};

/// Longest answer: the status of an agent with thousands of files fits.
const MAX_RESPONSE: u64 = 16 * 1024 * 1024;
/// The agent answers at once, but it may be short of CPU.
const QUICK: Duration = Duration::from_secs(5);
/// A refresh is answered when the server has been asked.
const PATIENT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ControlError {
    /// Nobody is there.
    #[error("no agent listens on {}; is it running, and is this its socket?", path.display())]
    NotListening {
        /// The socket.
        path: PathBuf,
    },
    /// Somebody is there but says nothing.
    #[error("the agent on {} does not answer within {} s", path.display(), limit.as_secs_f32())]
    Timeout {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// What came is not an answer.
    #[error("what answers on {} is not an agent of this kind", path.display())]
    NotAnAgent {
        /// The socket.
        path: PathBuf,
    },
    /// The system said no.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Asks the agent whose socket this is and waits as long as that kind of request may take.
///
/// # Errors
///
/// When nobody listens, does not answer in time, or answers something else.
pub(crate) fn call(path: &Path, request: Request) -> Result<Response, ControlError> {
    call_within(path, request, if request == Request::Refresh { PATIENT } else { QUICK })
}

/// Like [`call`], and waits no longer than `limit` in all.
///
/// # Errors
///
/// As for [`call`].
pub(crate) fn call_within(path: &Path, request: Request, limit: Duration) -> Result<Response, ControlError> {
    let call = Call { path, limit, deadline: Instant::now() + limit };
    let mut stream = call.connect()?;
    stream.write_all(&line(&request)).map_err(call.failed("ask the agent on"))?;
    let answer = call.receive(&mut stream)?;
    serde_json::from_slice(&answer).map_err(|_invalid| ControlError::NotAnAgent { path: path.to_path_buf() })
}

struct Call<'a> {
    path: &'a Path,
    limit: Duration,
    deadline: Instant,
}

impl Call<'_> {
    fn connect(&self) -> Result<UnixStream, ControlError> {
        const CONNECT: &str = "connect to";
        let fault = |source: Errno| self.failed(CONNECT)(source.into());
        let address = SocketAddrUnix::new(self.path).map_err(fault)?;
        let socket: OwnedFd =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .map_err(fault)?;
        // The send timeout holds for connecting too: the queue of a stuck agent may be full.
        sockopt::set_socket_timeout(&socket, Timeout::Send, Some(self.limit)).map_err(fault)?;
        rustix::net::connect(&socket, &address).map_err(fault)?;
        Ok(UnixStream::from(socket))
    }

    /// Reads to the end. Every piece may arrive late, so the time left is set before each.
    fn receive(&self, stream: &mut UnixStream) -> Result<Vec<u8>, ControlError> {
        const READ: &str = "read the answer of the agent on";
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.failed(READ)(io::ErrorKind::TimedOut.into()));
            }
            stream.set_read_timeout(Some(left)).map_err(self.failed(READ))?;
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(answer),
                Ok(count) => answer.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(READ)(error)),
            }
            if answer.len() as u64 > MAX_RESPONSE {
                return Err(ControlError::NotAnAgent { path: self.path.to_path_buf() });
            }
        }
    }

    fn failed(&self, operation: &'static str) -> impl Fn(io::Error) -> ControlError + use<> {
        let (path, limit) = (self.path.to_path_buf(), self.limit);
        move |source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ControlError::NotListening { path: path.clone() }
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ControlError::Timeout { path: path.clone(), limit },
            _ => ControlError::Io { operation, path: path.clone(), source },
        }
    }
}
