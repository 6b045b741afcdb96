//! Clients that misbehave.

use std::{
    fs,
    io::Write,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use super::{Home, MAX_REQUEST, Request, Response, call};

#[test]
fn garbage_is_answered_with_what_is_accepted() {
    let home = Home::new();
    let long = vec![b'x'; MAX_REQUEST * 50];
    let deep = "[".repeat(MAX_REQUEST - 1);
    for garbage in
        [&b"\n"[..], b"", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 300], b"{\"request\":\"quit\"}\n", deep.as_bytes()]
    {
        let answer = home.raw(garbage);
        assert!(answer.starts_with(r#"{"response":"error","message":"not a request"#), "{garbage:?}: {answer}");
    }
    assert!(home.raw(&long).is_empty() || home.raw(&long).contains("longer than 1024 bytes"));
    assert!(call(&home.socket(), Request::Ready).is_ok());
}

#[test]
fn a_request_may_come_in_pieces_and_without_its_end() {
    use std::io::Read;

    let home = Home::new();
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    for piece in ["{\"requ", "est\":\"re", "ady\"}\n"] {
        stream.write_all(piece.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(30));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with(r#"{"response":"ready""#), "{answer}");
    assert!(home.raw(br#"{"request":"ready"}"#).starts_with(r#"{"response":"ready""#));
}

#[test]
fn half_lines_are_dropped_after_a_while() {
    use std::io::Read;

    let home = Home::new();
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    stream.write_all(b"{\"request\"").unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty());
    assert!(begin.elapsed() > Duration::from_secs(1) && begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn more_idle_clients_than_there_is_room_for_only_make_others_wait() {
    let home = Home::new();
    let idle: Vec<_> = (0..100).map(|_| UnixStream::connect(home.socket()).unwrap()).collect();
    assert!(matches!(call(&home.socket(), Request::Ready), Ok(Response::Ready(_))));
    drop(idle);
}

#[test]
fn ten_thousand_connections_leave_memory_and_handles_as_they_were() {
    let home = Home::new();
    let handles = || fs::read_dir("/proc/self/fd").unwrap().count();
    let memory = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap().to_owned();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    for _ in 0..500 {
        call(&home.socket(), Request::Ready).unwrap();
    }
    let before = (handles(), memory());
    for number in 0..10_000 {
        match number % 4 {
            0 => drop(UnixStream::connect(home.socket()).unwrap()),
            1 => drop(home.raw(b"\xff\xfe")),
            2 => {
                let mut stream = UnixStream::connect(home.socket()).unwrap();
                stream.write_all(b"{\"requ").unwrap();
            }
            _ => assert!(call(&home.socket(), Request::Ready).is_ok()),
        }
    }
    assert!(call(&home.socket(), Request::Ready).is_ok());
    // Other tests run beside this one: what is leaked for each connection would be thousands.
    assert!(handles() < before.0 + 1000, "{} handles, {before:?} before", handles());
    assert!(memory() < before.1 + 60_000, "{} kB, {before:?} before", memory());
}
