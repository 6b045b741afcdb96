use std::sync::atomic::AtomicUsize;
use std::time::{Instant, SystemTime};

use blinkchamber_certs::{Authority, Profile, Served, Source, Trust, provider, server_config};
use blinkchamber_contract::plan::Defaults;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::keeper::Keeper;
use crate::load::Most;

/// A running server and what is needed to talk to it.
struct Running {
    address: SocketAddr,
    keeper: Arc<Keeper>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn start(leaf_lifetime: Duration, limits: Limits) -> Running {
    start_with(leaf_lifetime, limits, Most::default()).await
}

async fn start_with(leaf_lifetime: Duration, limits: Limits, most: Most) -> Running {
    let names = Profile::service_names("hook", "ns");
    let profile = Profile { identity: "a".into(), names, leaf_lifetime };
    let source = Source::Own(Box::new(Authority::new(profile, SystemTime::now()).unwrap()));
    let (served, metrics) = (Arc::new(Served::default()), Arc::new(Metrics::new()));
    let keeper = Arc::new(Keeper::new(
        source,
        Trust::observed(Duration::from_secs(1)),
        Arc::clone(&served),
        Arc::clone(&metrics),
    ));
    keeper.tick(SystemTime::now()).unwrap();
    let admission = Admission {
        defaults: Defaults::new("agent:1", "http://vault:8200").into(),
        metrics: Arc::clone(&metrics),
        closing: Arc::default(),
    };
    let server = Server {
        acceptor: TlsAcceptor::from(Arc::new(server_config(served).unwrap())),
        admission: Arc::new(admission),
        load: Load::new(most, Arc::clone(&metrics)),
        limits,
        metrics: Arc::clone(&metrics),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(server.run(listener, stop.clone()));
    Running { address, keeper, metrics, stop, task }
}

impl Running {
    async fn tls(&self) -> TlsStream<TcpStream> {
        self.tls_over(TcpStream::connect(self.address).await.unwrap()).await
    }

    async fn tls_over(&self, stream: TcpStream) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        for ca in self.keeper.authorities() {
            roots.add(ca.der().clone()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("hook.ns.svc").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn http(&self) -> SendRequest<Full<Bytes>> {
        self.http_over(self.tls().await).await
    }

    async fn http_over(&self, stream: TlsStream<TcpStream>) -> SendRequest<Full<Bytes>> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

fn review() -> Request<Full<Bytes>> {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "namespace": "shop", "object": {
            "metadata": {"annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "r"}},
            "spec": {"containers": [{"name": "app"}]}}}});
    Request::post("https://hook.ns.svc/mutate")
        .header("host", "hook.ns.svc")
        .header("content-type", "application/json")
        .body(Full::from(review.to_string()))
        .unwrap()
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>) -> StatusCode {
    sender.ready().await.unwrap();
    let response = sender.send_request(review()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("JSONPatch"));
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_fail_no_handshake_and_no_request() {
    // Dates of certificates are whole seconds, so this is about the least: a leaf is renewed every two seconds, and
    // after six its authority has a successor.
    let server = Arc::new(start(Duration::from_secs(3), Limits::default()).await);
    let (connections, requests) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_secs(10);
    let keeping = async {
        while Instant::now() < end {
            server.keeper.tick(SystemTime::now()).unwrap();
            server.keeper.observe(&server.keeper.authorities(), SystemTime::now());
            sleep(Duration::from_millis(100)).await;
        }
    };
    let fresh = async {
        while Instant::now() < end {
            let mut sender = server.http().await;
            assert_eq!(ask(&mut sender).await, 200);
            connections.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(2)).await;
        }
    };
    let kept = async {
        let mut sender = server.http().await;
        while Instant::now() < end {
            assert_eq!(ask(&mut sender).await, 200);
            requests.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::join!(keeping, fresh, kept);
    assert!(server.metrics.leaf_issued.get() >= 4, "{}", server.metrics.leaf_issued.get());
    assert_eq!(server.keeper.authorities().len(), 2, "the authority was renewed too");
    assert!(connections.load(Ordering::Relaxed) > 50 && requests.load(Ordering::Relaxed) > 100);
    assert_eq!(server.metrics.connections_refused.get(), 0);
}

#[tokio::test]
async fn clients_that_stall_are_dropped_and_hold_up_nobody() {
    let limits = Limits {
        handshake: Duration::from_millis(300),
        first_request: Duration::from_millis(600),
        ..Limits::default()
    };
    let server = start(Duration::from_secs(3600), limits).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut slow = server.tls().await;
    let mut mute = server.tls().await;
    slow.write_all(b"POST /mutate HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert_eq!(ask(&mut server.http().await).await, 200);
    let patience = Duration::from_secs(3);
    let mut rest = Vec::new();
    for byte in b"x-slow: 1\r\nx-" {
        if slow.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(60)).await;
    }
    let ended = |result: Result<std::io::Result<usize>, tokio::time::error::Elapsed>| result.is_ok();
    assert!(ended(timeout(patience, slow.read_to_end(&mut rest)).await), "half a head");
    assert!(ended(timeout(patience, mute.read_to_end(&mut rest)).await), "no head");
    assert!(ended(timeout(patience, silent.read_to_end(&mut rest)).await), "no handshake");
    assert_eq!(rest, b"");
    assert_eq!(server.metrics.connections_refused.get(), 3);
}

#[tokio::test]
async fn garbage_and_too_many_connections_do_no_harm() {
    let server =
        start_with(Duration::from_secs(3600), Limits::default(), Most { connections: 2, ..Most::default() }).await;
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(&[0x47; 4096]).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(3), garbage.read_to_end(&mut rest)).await.unwrap();
    let mut first = server.http().await;
    let mut second = server.http().await;
    assert_eq!((ask(&mut first).await, ask(&mut second).await), (StatusCode::OK, StatusCode::OK));
    let mut third = TcpStream::connect(server.address).await.unwrap();
    let _ = timeout(Duration::from_secs(3), third.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(ask(&mut first).await, 200);
    drop(second);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&mut server.http().await).await, 200);
}

#[tokio::test]
async fn an_address_has_its_share_of_the_connections() {
    let most = Most { connections_of_one: 2, ..Most::default() };
    let server = start_with(Duration::from_secs(3600), Limits::default(), most).await;
    let mut first = server.http().await;
    let mut second = server.http().await;
    assert_eq!((ask(&mut first).await, ask(&mut second).await), (StatusCode::OK, StatusCode::OK));
    let mut third = TcpStream::connect(server.address).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(3), third.read_to_end(&mut rest)).await.unwrap();
    assert_eq!((rest.len(), server.metrics.connections_refused.get()), (0, 1));
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let elsewhere = socket.connect(server.address).await.unwrap();
    let mut elsewhere = server.http_over(server.tls_over(elsewhere).await).await;
    assert_eq!(ask(&mut elsewhere).await, 200);
}

#[tokio::test]
async fn silent_connections_end_with_either_version_of_http() {
    let limits = Limits { idle: Duration::from_millis(300), ..Limits::default() };
    let limits = Limits { first_request: Duration::from_millis(300), drain: Duration::from_millis(300), ..limits };
    let server = start(Duration::from_secs(3600), limits).await;
    let mut one = server.http().await;
    assert_eq!(ask(&mut one).await, 200);
    let (mut two, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(server.tls().await)).await.unwrap();
    let connection = tokio::spawn(connection);
    two.ready().await.unwrap();
    let response = two.send_request(review()).await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, http::Version::HTTP_2));
    drop(response);
    // The client keeps its side open and goes on answering pings.
    timeout(Duration::from_secs(5), connection).await.expect("the server closes").unwrap().unwrap();
    assert!(two.is_closed());
    timeout(Duration::from_secs(5), async {
        while one.ready().await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the server closes");
    assert_eq!(server.metrics.connections_refused.get(), 0);
}

#[tokio::test]
async fn at_the_end_requests_in_progress_finish_and_idle_connections_close() {
    let server = start(Duration::from_secs(3600), Limits::default()).await;
    let mut idle = server.http().await;
    assert_eq!(ask(&mut idle).await, 200);
    let mut busy = server.tls().await;
    let body = json!({"apiVersion": "admission.k8s.io/v1", "request": {"uid": "u", "object": {}}}).to_string();
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    server.stop.cancel();
    sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody new");
    busy.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(3), busy.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    timeout(Duration::from_secs(3), server.task).await.unwrap().unwrap();
    assert!(idle.ready().await.is_err());
}
