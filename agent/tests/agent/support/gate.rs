//! Stands between agent and server: an outage without a restart, or a proxy that is asked by `CONNECT`.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The gate. Its threads end with the test process.
pub(crate) struct Gate {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// Answer of the proxy instead of a tunnel.
    refusal: Option<&'static str>,
    streams: Vec<TcpStream>,
    /// Heads of the requests to the proxy.
    heads: Vec<String>,
}

impl Gate {
    /// Leads to this port.
    pub(crate) fn start(target: u16) -> Self {
        Self::with(target, false)
    }

    /// A proxy through which every name leads to this port.
    pub(crate) fn proxy(target: u16) -> Self {
        Self::with(target, true)
    }

    fn with(target: u16, is_proxy: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || pass(stream, target, is_proxy, &shared));
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends what is open and lets nothing through.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap();
        state.closed = true;
        for stream in state.streams.drain(..) {
            // The other end may have gone.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().closed = false;
    }

    /// Answers with this status from now on, or makes tunnels again.
    pub(crate) fn refuse(&self, status: Option<&'static str>) {
        self.state.lock().unwrap().refusal = status;
    }

    /// What the proxy was asked.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }
}

fn pass(client: TcpStream, target: u16, is_proxy: bool, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut answer = client.try_clone()?;
    if is_proxy {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        state.lock().unwrap().heads.push(head);
    }
    let server = {
        let mut state = state.lock().unwrap();
        if state.closed {
            return client.shutdown(Shutdown::Both);
        }
        if let Some(status) = state.refusal {
            return answer.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
        let server = TcpStream::connect(("127.0.0.1", target))?;
        state.streams.push(client.try_clone()?);
        state.streams.push(server.try_clone()?);
        server
    };
    if is_proxy {
        answer.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    }
    let mut back = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        // It ends when one of them does.
        io::copy(&mut back.0, &mut back.1).ok();
        back.1.shutdown(Shutdown::Both).ok();
    });
    let mut server = server;
    io::copy(&mut reader, &mut server)?;
    server.shutdown(Shutdown::Both)
}
