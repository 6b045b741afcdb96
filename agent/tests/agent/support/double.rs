//! A scripted server: what no real one does on demand. A double, and only for what the real one cannot be made to do.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// What the double does with a request.
pub(crate) enum Reaction {
    /// An answer with headers (each with its line end).
    Answer(u16, &'static str, Value),
    /// Half of an answer, then the connection is closed.
    Half,
    /// These bytes instead of HTTP.
    Garbage(&'static str),
    /// Nothing, for this long.
    Silence(Duration),
}

/// One request, and when it came.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
}

type Script = dyn Fn(&Asked) -> Reaction + Send + Sync;

/// The double. Its thread ends with the test process.
pub(crate) struct Double {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Double {
    pub(crate) fn start(script: impl Fn(&Asked) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                thread::spawn(move || serve(stream, &*script, &log));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests whose method and path begin so, in the order they came.
    pub(crate) fn asked(&self, method: &str, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.method.starts_with(method) && asked.path.starts_with(path)).cloned().collect()
    }
}

fn serve(stream: TcpStream, script: &Script, log: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let asked = read(&mut reader)?;
        log.lock().unwrap().push(asked.clone());
        match script(&asked) {
            Reaction::Answer(status, headers, body) => {
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
            }
            Reaction::Half => {
                let half = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\":{\"data\":{\"password\":\"half";
                stream.write_all(half.as_bytes()).ok()?;
                return None;
            }
            Reaction::Garbage(text) => {
                stream.write_all(text.as_bytes()).ok()?;
                return None;
            }
            Reaction::Silence(time) => {
                thread::sleep(time);
                return None;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = path.strip_prefix("/v1/").unwrap_or(&path).to_owned();
    Some(Asked { at: Instant::now(), method, path, body: String::from_utf8_lossy(&body).into_owned() })
}

/// One plain request, for tests that ask a server themselves.
pub(crate) fn ask(port: u16, method: &str, path: &str, token: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {token}\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    // A chunked body of these sizes is one chunk.
    let json = body.find('{').and_then(|from| body.get(from..=body.rfind('}')?)).unwrap_or_default();
    Some((status, serde_json::from_str(json).unwrap_or(Value::Null)))
}
