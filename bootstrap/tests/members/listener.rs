//! The listener's certificates are made of the seal's key, and renewed under load without a failed request.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use blinkchamber_bootstrap::certificate::{self, Keeper};
use blinkchamber_bootstrap::kubernetes;
use blinkchamber_bootstrap::server::{Authorities, client_builder};
use blinkchamber_bootstrap::tls::Authority;
use reqwest::tls::TlsInfo;

use crate::member::Member;

#[test]
fn a_servers_certificate_is_renewed_under_load() {
    let key = [3; 32];
    let mut member = Member::new(&key);
    member.start(&member.guard(true));
    member.login();
    // Derived from the key alone, as any other member would.
    let authority = Authority::derive(&key).unwrap();
    let authorities = Authorities::new(authority.pem().as_bytes(), "derived");
    let http = client_builder(Some(&authorities), Duration::from_secs(10)).unwrap();
    let http = http.tls_info(true).pool_max_idle_per_host(0).build().unwrap();
    let (seen, enough) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    let options = certificate::Options {
        tls: member.tls("6s"),
        server_address: member.address.clone(),
        server_configuration: member.path("server.hcl"),
        publish: None,
        api: kubernetes::Options {
            api_address: "http://127.0.0.1:1".to_owned(),
            api_token_file: "/none".into(),
            api_ca_file: "/none".into(),
        },
    };
    let said = std::thread::scope(|scope| {
        let keeping = scope.spawn(|| {
            let (mut keeper, mut out) = (Keeper::new(&options).unwrap(), Vec::new());
            while !enough.load(Ordering::Relaxed) {
                keeper.look(SystemTime::now(), &mut out);
                std::thread::sleep(Duration::from_millis(200));
            }
            String::from_utf8(out).unwrap()
        });
        let start = Instant::now();
        let (mut sent, mut failures) = (0, Vec::new());
        while seen.lock().unwrap().len() < 4 && start.elapsed() < Duration::from_secs(60) {
            match http.get(format!("{}/v1/sys/health", member.address)).send() {
                Ok(response) => {
                    let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
                    seen.lock().unwrap().insert(certificate.expect("TLS").to_vec());
                }
                Err(error) => failures.push(format!("{error:?}")),
            }
            sent += 1;
        }
        enough.store(true, Ordering::Relaxed);
        assert!(failures.is_empty(), "{} of {sent} failed: {:?}", failures.len(), failures.first());
        keeping.join().unwrap()
    });
    assert!(seen.lock().unwrap().len() >= 4, "renewed again and again: {said}");
    assert!(said.contains("the server was told"), "{said}");
}
