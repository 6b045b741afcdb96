//! An API server that knows one Lease: it compares versions as the real one does, and can be away.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::Shared;

/// Somebody's authority, long forgotten.
pub(super) const OTHER_CA: &str = include_str!("data/other-ca.pem");

/// One request.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) bearer: String,
}

#[derive(Default)]
struct State {
    lease: Option<Value>,
    version: u64,
    writes: usize,
    down: bool,
    forbid: bool,
    asked: Vec<Asked>,
}

pub(super) struct ApiServer {
    pub(super) url: String,
    state: Shared<State>,
}

impl ApiServer {
    pub(super) async fn start(lease: Option<Value>) -> Self {
        Self::serve(lease, None).await
    }

    /// With TLS for 127.0.0.1; and its authority.
    pub(super) async fn start_tls() -> (Self, String) {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        (Self::serve(None, Some(TlsAcceptor::from(Arc::new(config)))).await, pem)
    }

    async fn serve(lease: Option<Value>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let server = Self { url, state: Shared::default() };
        if let Some(lease) = lease {
            server.set(lease);
        }
        let state = Arc::clone(&server.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer_all(stream, state).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => answer_all(stream, state).await,
                            // The client does not trust us.
                            Err(_refused) => {}
                        },
                    }
                });
            }
        });
        server
    }

    pub(super) fn lease(&self) -> Option<Value> {
        self.state.lock().unwrap().lease.clone()
    }

    pub(super) fn holder(&self) -> String {
        self.lease().unwrap()["spec"]["holderIdentity"].as_str().unwrap().to_owned()
    }

    /// Somebody else writes it.
    pub(super) fn set(&self, lease: Value) {
        self.state.lock().unwrap().store(lease);
    }

    pub(super) fn down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    pub(super) fn forbid(&self, forbid: bool) {
        self.state.lock().unwrap().forbid = forbid;
    }

    pub(super) fn writes(&self) -> usize {
        self.state.lock().unwrap().writes
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer_all(stream: impl AsyncRead + AsyncWrite + Unpin, state: Shared<State>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // A client may hang up at any time.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn answer(request: Request<Incoming>, state: Shared<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let bearer = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut state = state.lock().unwrap();
    state.asked.push(Asked { line: format!("{} {}", head.method, head.uri.path()), bearer: bearer.to_owned() });
    let (status, value) = state.react(&head.method, &body);
    Ok(Response::builder().status(status).body(Full::from(value.to_string())).unwrap())
}

impl State {
    fn react(&mut self, method: &Method, body: &[u8]) -> (StatusCode, Value) {
        let refuse = |status, message: &str| (status, json!({ "kind": "Status", "message": message }));
        if self.down {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "etcd is away");
        }
        if self.forbid {
            return refuse(StatusCode::FORBIDDEN, "leases is forbidden");
        }
        if *method == Method::GET {
            return match &self.lease {
                Some(lease) => (StatusCode::OK, lease.clone()),
                None => refuse(StatusCode::NOT_FOUND, "not found"),
            };
        }
        let sent: Value = serde_json::from_slice(body).unwrap();
        let current = self.lease.as_ref().map(|lease| &lease["metadata"]["resourceVersion"]);
        let fits = if *method == Method::POST {
            current.is_none()
        } else {
            current == Some(&sent["metadata"]["resourceVersion"])
        };
        if !fits {
            return refuse(StatusCode::CONFLICT, "the object has been modified");
        }
        self.writes += 1;
        (StatusCode::OK, self.store(sent))
    }

    fn store(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.lease = Some(lease.clone());
        lease
    }
}
