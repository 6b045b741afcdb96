use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use super::config_map;
use crate::Failure;

/// An API server that gives these answers, one a request, and tells what it was asked.
pub(crate) fn api(answers: &'static [(&'static str, &'static str)]) -> (String, mpsc::Receiver<String>) {
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

pub(crate) fn token() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a.b.c\n").unwrap();
    file
}

#[test]
fn a_name_without_a_namespace_is_a_matter_of_configuration() {
    assert_eq!(config_map("--marker", "a/b").unwrap(), "/api/v1/namespaces/a/configmaps/b");
    for name in ["redis-topology", "/b", "a/", "a/b/c"] {
        let Err(Failure::Configuration(text)) = config_map("--topology", name) else { panic!("{name} is taken") };
        assert_eq!(text, format!("--topology {name:?}: must be namespace/name"));
    }
}
