//! The limit beside which the webhook is measured: hyper and rustls, nothing else, one constant answer of the same size.
//!
//! `constant-server PORT CERT.pem KEY.pem BYTES`

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(serve());
}

async fn serve() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("PORT CERT KEY BYTES");
    let (port, certificate, key, size) = (next(), next(), next(), next());
    let chain = CertificateDer::pem_file_iter(certificate)
        .expect("a PEM file")
        .map(|one| one.expect("a certificate"))
        .collect();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).expect("a key"))
        .expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>().expect("a port"))).await.expect("a free port");
    let answer = Bytes::from(vec![b'x'; size.parse().expect("a size")]);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    request.into_body().collect().await.ok();
                    Ok::<_, Infallible>(Response::new(Full::new(answer)))
                }
            });
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}
