use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, Stream};

use super::*;
use crate::{Authority, Profile, Trust};

fn authority(identity: &str) -> Authority {
    let names = Profile::service_names("hook", "ns");
    Authority::new(
        Profile { identity: identity.into(), names, leaf_lifetime: Duration::from_secs(60) },
        SystemTime::now(),
    )
    .unwrap()
}

/// One handshake and one byte over a pair of sockets.
fn handshake(authority: &Authority, config: Arc<ServerConfig>) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for ca in authority.authorities() {
        roots.add(ca.der().clone()).unwrap();
    }
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (mut near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let mut connection = ServerConnection::new(config).unwrap();
        let _ = Stream::new(&mut connection, &mut far).write_all(b"x");
    });
    let name = ServerName::try_from("hook.ns.svc").unwrap();
    let mut connection = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut byte = [0];
    let result = Stream::new(&mut connection, &mut near).read_exact(&mut byte).map_err(|error| error.to_string());
    drop(near);
    server.join().unwrap();
    result
}

#[test]
fn handshakes_use_the_newest_leaf() {
    let (mut first, mut second) = (authority("a"), authority("b"));
    let served = Arc::new(Served::default());
    let config = Arc::new(server_config(Arc::clone(&served)).unwrap());
    handshake(&first, Arc::clone(&config)).unwrap_err();
    let now = SystemTime::now();
    served.swap(&first.poll(now, &Trust::assumed()).unwrap().unwrap());
    handshake(&first, Arc::clone(&config)).unwrap();
    handshake(&second, Arc::clone(&config)).unwrap_err();
    served.swap(&second.poll(now, &Trust::assumed()).unwrap().unwrap());
    handshake(&second, Arc::clone(&config)).unwrap();
    assert_eq!(format!("{served:?}"), "Served { has_leaf: true }");
}
