use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Options, run, split};
use crate::tls;

/// A pod's volume and configuration in a directory of their own.
struct Pod {
    directory: tempfile::TempDir,
    options: Options,
}

impl Pod {
    fn new(name: &str, replicas: u32, peer_address: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("data")).unwrap();
        fs::write(path("template"), "node @POD_NAME@\n").unwrap();
        fs::write(path("initialize"), "initialize\n").unwrap();
        let options = Options {
            pod_name: name.to_owned(),
            replicas,
            peer_address: peer_address.to_owned(),
            vault_ca_file: None,
            tls: tls::Options {
                tls_seal_key_file: None,
                tls_names: vec!["vault".to_owned(), "127.0.0.1".to_owned()],
                tls_lifetime: "1h".to_owned(),
                tls_file: path("tls.pem"),
                tls_ca_file: path("ca.crt"),
            },
            template: path("template"),
            initialize: Some(path("initialize")),
            output: path("server.hcl"),
            data_dir: path("data"),
            marker: path("marker"),
            seal_key_file: None,
            timeout: 0,
        };
        Self { directory, options }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What it said, and whether it begins a cluster.
    fn run(&self) -> Result<(String, bool), crate::Failure> {
        let mut out = Vec::new();
        run(&self.options, &mut out)?;
        let written = fs::read_to_string(&self.options.output).unwrap();
        assert!(written.starts_with(&format!("node {}\n", self.options.pod_name)), "{written}");
        Ok((String::from_utf8(out).unwrap(), written.contains("initialize")))
    }
}

/// Peers behind one port, told apart by path: they answer once `awake`, with one body.
fn peers(body: &'static str, awake: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/{{pod}}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0, "a request");
            if awake.load(Ordering::SeqCst) {
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all((head + body).as_bytes()).unwrap();
            }
        }
    });
    address
}

fn answering(body: &'static str) -> String {
    peers(body, Arc::new(AtomicBool::new(true)))
}

const UNBORN: &str = r#"{"initialized":false,"sealed":true}"#;
const BORN: &str = r#"{"initialized":true,"sealed":false,"cluster_id":"ours"}"#;

#[test]
fn one_replica_begins_its_cluster_once() {
    let mut pod = Pod::new("vault-0", 1, "http://{pod}");
    pod.options.seal_key_file = Some(pod.path("data/seal.key"));
    let (said, begins) = pod.run().unwrap();
    assert!(begins, "{said}");
    assert_eq!(fs::read(pod.path("data/seal.key")).unwrap().len(), 32);
    fs::write(pod.path("data/vault.db"), "").unwrap();
    let (said, begins) = pod.run().unwrap();
    assert!(!begins, "its own data is there: {said}");
}

#[test]
fn the_first_of_three_begins_only_when_both_peers_say_that_they_belong_nowhere() {
    assert!(Pod::new("vault-0", 3, &answering(UNBORN)).run().unwrap().1);
    let beside = Pod::new("vault-0", 3, &answering(BORN));
    fs::write(&beside.options.marker, "ours\n").unwrap();
    let (said, begins) = beside.run().unwrap();
    assert!(!begins && said.contains("joining it"), "{said}");
    fs::write(&beside.options.marker, "another").unwrap();
    assert_eq!(beside.run().unwrap_err().code(), 3, "a member of another cluster is not joined");
    let (_, begins) = Pod::new("vault-1", 3, "http://127.0.0.1:1/{pod}").run().unwrap();
    assert!(!begins, "the others ask nobody");
}

#[test]
fn silence_is_not_an_answer() {
    for address in ["http://127.0.0.1:1/{pod}".to_owned(), answering("<html>"), answering(r#"{"errors":[]}"#)] {
        let pod = Pod::new("vault-0", 3, &address);
        let error = pod.run().unwrap_err();
        assert_eq!(error.code(), 3, "{error}");
        assert!(!pod.options.output.exists(), "the server must not start");
    }
}

#[test]
fn it_waits_for_peers_that_come_late() {
    let awake = Arc::new(AtomicBool::new(false));
    let mut pod = Pod::new("vault-0", 2, &peers(UNBORN, Arc::clone(&awake)));
    pod.options.timeout = 30;
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        awake.store(true, Ordering::SeqCst);
    });
    let (said, begins) = pod.run().unwrap();
    assert!(begins && said.contains("waiting for http://127.0.0.1"), "{said}");
}

#[test]
fn the_marker_forbids_a_second_cluster() {
    let alone = Pod::new("vault-0", 1, "http://{pod}");
    fs::write(&alone.options.marker, "id").unwrap();
    let error = alone.run().unwrap_err();
    assert!(error.to_string().contains("restore a snapshot"), "{error}");
    assert_eq!(error.code(), 1);

    let lonely = Pod::new("vault-0", 3, "http://127.0.0.1:1/{pod}");
    fs::write(&lonely.options.marker, "id").unwrap();
    assert!(!lonely.run().unwrap().1, "it joins when the others come back");
}

#[test]
fn without_a_stanza_an_operator_initialises() {
    let mut pod = Pod::new("vault-0", 1, "http://{pod}");
    pod.options.initialize = None;
    let (said, begins) = pod.run().unwrap();
    assert!(!begins && said.contains("operator"), "{said}");
}

#[test]
fn bad_settings_say_which_and_how() {
    for (name, address, replicas, seal) in [
        ("vault", "http://{pod}", 1, false),
        ("-0", "http://{pod}", 1, false),
        ("vault-x", "http://{pod}", 1, false),
        ("vault-0", "http://vault", 1, false),
        ("vault-0", "http://{pod}", 3, true),
    ] {
        let mut pod = Pod::new(name, replicas, address);
        pod.options.seal_key_file = seal.then(|| pod.path("seal.key"));
        let error = pod.run().unwrap_err();
        assert_eq!(error.code(), 2, "{error}");
        assert!(error.to_string().starts_with("--"), "it names the setting: {error}");
    }
    assert_eq!(split("my-vault-12").unwrap(), ("my-vault", 12));
}
