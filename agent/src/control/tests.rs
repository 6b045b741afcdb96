use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::{
    Handler, Readiness, Request, Response, SOCKET, Server, call,
    client::{ControlError, call_within},
    message::{BadRequest, MAX_REQUEST},
    server::ServerError,
};

mod abuse;

/// Answers what it is told to.
#[derive(Default)]
struct State {
    ready: AtomicBool,
    refreshes: AtomicUsize,
}

impl Handler for Arc<State> {
    async fn ready(&self) -> Readiness {
        let ready = self.ready.load(Ordering::Relaxed);
        Readiness { ready, reason: (!ready).then(|| "waits for /vault/secrets/a".to_owned()) }
    }

    async fn status(&self) -> Value {
        json!({ "templates": vec![json!({ "destination": "/vault/secrets/a" }); 2000] })
    }

    async fn refresh(&self) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        match self.refreshes.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err("the server is sealed".to_owned()),
        }
    }
}

/// An agent's home with a server in a thread of its own.
struct Home {
    directory: TempDir,
    state: Arc<State>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = Arc::new(State::default());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (home, handler) = (directory.path().to_path_buf(), Arc::clone(&state));
        let (started, wait) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::start(&home, handler).unwrap();
                started.send(()).unwrap();
                stopped.await.ok();
                drop(server);
            });
        });
        wait.recv().unwrap();
        Self { directory, state, stop: Some(stop), thread: Some(thread) }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join(SOCKET)
    }

    fn stop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            stop.send(()).ok();
            thread.join().unwrap();
        }
    }

    /// Sends bytes as they are, closes the sending side and reads the answer.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        // The server may answer and close before it has read all.
        stream.write_all(bytes).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tries to start another agent there.
fn start(home: &Path) -> Result<(), ServerError> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Server::start(home, Arc::new(State::default())).map(drop) })
}

#[test]
fn every_request_is_answered() {
    let home = Home::new();
    let socket = home.socket();
    let answer = call(&socket, Request::Ready).unwrap();
    let reason = Some("waits for /vault/secrets/a".to_owned());
    assert_eq!(answer, Response::Ready(Readiness { ready: false, reason }));
    assert_eq!(answer.exit_code(), 1);
    home.state.ready.store(true, Ordering::Relaxed);
    let answer = call(&socket, Request::Ready).unwrap();
    assert_eq!(answer, Response::Ready(Readiness { ready: true, reason: None }));
    assert_eq!(answer.exit_code(), 0);
    let Response::Status { status } = call(&socket, Request::Status).unwrap() else { panic!("no status") };
    assert_eq!(status["templates"].as_array().unwrap().len(), 2000);
    let answer = call(&socket, Request::Refresh).unwrap();
    assert_eq!((answer.exit_code(), answer), (0, Response::Refreshed));
    let answer = call(&socket, Request::Refresh).unwrap();
    assert_eq!(answer.exit_code(), 3);
    assert_eq!(answer, Response::Error { message: "the server is sealed".to_owned() });
}

#[test]
fn the_socket_is_for_its_user_only_and_goes_with_the_agent() {
    let mut home = Home::new();
    let socket = home.socket();
    let meta = fs::symlink_metadata(&socket).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.mode() & 0o777, 0o600);
    let directory = home.directory.path().to_path_buf();
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    home.stop();
    assert!(!socket.exists());
    assert!(directory.exists());
}

#[test]
fn a_live_agent_is_an_error_and_a_dead_ones_socket_is_replaced() {
    let home = Home::new();
    let error = start(home.directory.path()).unwrap_err();
    assert!(matches!(error, ServerError::Taken { .. }), "{error}");
    assert!(error.to_string().contains("another agent runs"));
    assert!(call(&home.socket(), Request::Ready).is_ok(), "the first one is not disturbed");

    let other = tempfile::tempdir().unwrap();
    let socket = other.path().join(SOCKET);
    drop(UnixListener::bind(&socket).unwrap());
    fs::create_dir(other.path().join(".agent.sock.new")).unwrap();
    assert!(matches!(call(&socket, Request::Ready), Err(ControlError::NotListening { .. })));
    start(other.path()).unwrap();

    let foreign = UnixListener::bind(&socket).unwrap();
    assert!(matches!(start(other.path()), Err(ServerError::Taken { .. })));
    drop(foreign);
}

#[test]
fn a_home_that_cannot_be_used_is_named() {
    let error = start(Path::new("/no/such/home")).unwrap_err().to_string();
    assert!(error.starts_with("cannot open /no/such/home/.agent.lock: No such file"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let long = directory.path().join("h".repeat(120));
    fs::create_dir(&long).unwrap();
    let error = start(&long).unwrap_err().to_string();
    assert!(error.starts_with("cannot make the socket"), "{error}");
}

#[test]
fn nobody_there_silence_and_nonsense_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let error = call(&path, Request::Ready).unwrap_err();
    assert!(matches!(error, ControlError::NotListening { .. }), "{error}");

    let listener = UnixListener::bind(&path).unwrap();
    let begin = Instant::now();
    let error = call_within(&path, Request::Ready, Duration::from_millis(200)).unwrap_err();
    assert!(matches!(error, ControlError::Timeout { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    drop(listener.accept().unwrap());

    let talker = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = call(&path, Request::Ready).unwrap_err();
    assert!(matches!(error, ControlError::NotAnAgent { .. } | ControlError::Io { .. }), "{error}");
    talker.join().unwrap();
}

proptest! {
    #[test]
    fn any_line_is_a_request_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        match Request::parse(&bytes) {
            Ok(request) => prop_assert!(serde_json::to_value(request).unwrap().get("request").is_some()),
            Err(BadRequest::TooLong) => prop_assert!(bytes.len() > MAX_REQUEST),
            Err(_) => {}
        }
    }

    #[test]
    fn json_that_is_close_is_read_or_refused(
        key in "request|Request|x", value in "ready|status|refresh|quit|", space in "[ \t\r\n]{0,4}", more in ",\"x\":1|",
    ) {
        let text = format!("{space}{{{space}\"{key}\":{space}\"{value}\"{more}}}{space}");
        let known = key == "request" && ["ready", "status", "refresh"].contains(&value.as_str());
        prop_assert_eq!(Request::parse(text.as_bytes()).is_ok(), known, "{}", text);
    }
}
