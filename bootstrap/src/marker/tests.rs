use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use super::{Options, remember};

/// An API server that gives these answers, one a request, and tells what it was asked.
fn api(answers: &'static [(&'static str, &'static str)]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = vec![0; 8192];
            let mut text = String::new();
            while !text.contains("\r\n\r\n") || (text.starts_with("PATCH") && !text.ends_with('}')) {
                let length = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            sender.send(text).unwrap();
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    (address, receiver)
}

fn options(api_address: String, token: &tempfile::NamedTempFile) -> Options {
    Options {
        marker: Some("blinkchamber/vault-bootstrapped".to_owned()),
        api_address,
        api_token_file: token.path().to_owned(),
        api_ca_file: "/nonexistent".into(),
    }
}

fn token() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a.b.c\n").unwrap();
    file
}

#[test]
fn an_empty_configmap_takes_the_id_and_a_full_one_is_left_alone() {
    let token = token();
    let (address, asked) = api(&[("200 OK", r#"{"data":null}"#), ("200 OK", "{}")]);
    assert!(remember(&options(address, &token), "id-1").unwrap());
    let read = asked.recv().unwrap();
    assert!(read.starts_with("GET /api/v1/namespaces/blinkchamber/configmaps/vault-bootstrapped "), "{read}");
    assert!(read.contains("Bearer a.b.c\r\n"), "the token's newline is not sent");
    let patch = asked.recv().unwrap();
    assert!(patch.starts_with("PATCH ") && patch.ends_with(r#"{"data":{"cluster":"id-1"}}"#), "{patch}");

    let (address, _asked) = api(&[("200 OK", r#"{"data":{"cluster":"id-1"}}"#)]);
    assert!(!remember(&options(address, &token), "id-1").unwrap());
}

#[test]
fn a_second_cluster_is_a_failure() {
    let (address, _asked) = api(&[("200 OK", r#"{"data":{"cluster":"old"}}"#)]);
    let error = remember(&options(address, &token()), "new").unwrap_err();
    assert!(error.to_string().contains("cluster old") && error.to_string().contains("cluster new"), "{error}");
    assert_eq!(error.code(), 1);
}

#[test]
fn the_api_servers_message_is_the_reason_and_the_token_is_not() {
    let (address, _asked) = api(&[("403 Forbidden", r#"{"message":"configmaps is forbidden"}"#)]);
    let error = remember(&options(address, &token()), "new").unwrap_err();
    assert!(error.to_string().contains("403 Forbidden: configmaps is forbidden"), "{error}");
    assert!(!error.to_string().contains("a.b.c"));
    assert_eq!(error.code(), 3);
}

#[test]
fn nothing_is_remembered_without_a_name() {
    let mut options = options("http://127.0.0.1:1".to_owned(), &token());
    options.marker = None;
    assert!(!remember(&options, "id").unwrap());
    options.marker = Some("no-slash".to_owned());
    assert_eq!(remember(&options, "id").unwrap_err().code(), 2);
}
