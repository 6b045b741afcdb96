use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use blinkchamber_policies::apply::Vault;
use serde_json::json;

use super::{Authorities, vault};

/// Answers every connection with the same bytes.
fn double(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer_one(stream.unwrap(), answer);
        }
    });
    address
}

fn answer_one(mut stream: TcpStream, answer: &str) {
    use std::io::Read as _;
    let mut buffer = [0; 4096];
    assert_ne!(stream.read(&mut buffer).unwrap(), 0, "a request");
    stream.write_all(answer.as_bytes()).ok();
}

fn server(answer: &'static str) -> Vault {
    vault(&double(answer), None, Duration::from_secs(5)).unwrap()
}

#[test]
fn the_servers_own_messages_are_the_reason() {
    let server =
        server("HTTP/1.1 403 Forbidden\r\ncontent-length: 42\r\n\r\n{\"errors\":[\"permission denied\\n\",\"again\"]}");
    let error = server.write("sys/mounts/secret", &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "POST sys/mounts/secret: status 403: permission denied; again");
    assert!(!error.is_transient());
}

#[test]
fn a_missing_thing_is_none_and_an_empty_body_is_null() {
    let missing = server("HTTP/1.1 404 Not Found\r\ncontent-length: 13\r\n\r\n{\"errors\":[]}");
    assert_eq!(missing.read("x").unwrap(), None);
    let empty = server("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(empty.write("x", &json!({})).unwrap(), json!(null));
}

#[test]
fn redirects_are_not_followed() {
    let server =
        server("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/v1/x\r\ncontent-length: 0\r\n\r\n");
    let error = server.read("x").unwrap_err();
    assert_eq!(error.status, Some(307));
    assert!(error.is_transient());
}

#[test]
fn a_garbled_answer_and_a_closed_port_are_errors_that_name_the_path() {
    let garbled = server("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{{{").read("a/b").unwrap_err();
    assert_eq!(garbled.to_string(), "GET a/b: the answer is not JSON");
    let nobody = vault("http://127.0.0.1:1", None, Duration::from_secs(1)).unwrap().read("a/b").unwrap_err();
    assert!(nobody.to_string().starts_with("GET a/b: ") && nobody.is_transient(), "{nobody}");
}

#[test]
fn unusable_settings_are_refused_with_their_name() {
    let no_scheme = vault("vault:8200", None, Duration::from_secs(1)).err().unwrap();
    assert!(no_scheme.to_string().contains("\"vault:8200\""), "{no_scheme}");
    assert_eq!(no_scheme.code(), 2);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"nothing").unwrap();
    let no_certificate = vault("https://v", Some(&Authorities::read(file.path()).unwrap()), Duration::from_secs(1));
    let no_certificate = no_certificate.err().unwrap();
    assert!(no_certificate.to_string().contains("no certificate in the file"), "{no_certificate}");
}
