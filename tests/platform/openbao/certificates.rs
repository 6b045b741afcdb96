//! The members' own certificates, renewed while clients connect anew for each request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blinkchamber_tests::bao::client_builder;
use blinkchamber_tests::load::{Load, Seen};
use blinkchamber_tests::wait;

use super::members::{LIMIT, whole};

#[test]
fn they_are_renewed_without_a_failed_handshake() {
    whole();
    let shown = Arc::new(Mutex::new(BTreeSet::new()));
    let (seen_by_client, address) =
        (Arc::clone(&shown), "https://vault.blinkchamber.svc:8200/v1/sys/health?standbyok=true");
    let client = client_builder().pool_max_idle_per_host(0).build().expect("a client");
    let act = move |_: i64, _: &mut Seen| {
        let answer = client.get(address).send().map_err(|error| error.to_string())?;
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = info.and_then(reqwest::tls::TlsInfo::peer_certificate).ok_or("no certificate")?;
        seen_by_client.lock().expect("not poisoned").insert(certificate.to_vec());
        if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string()) }
    };
    let load = Load::start(Duration::from_millis(100), LIMIT, act);
    // Three members have one each; a renewal of all gives three more.
    wait::until("every member shows a new certificate", LIMIT, || {
        let count = shown.lock().expect("not poisoned").len();
        if count >= 6 { Ok(()) } else { Err(format!("{count} certificates so far")) }
    });
    let seen = load.end();
    assert_eq!(seen.failures(), 0, "{:?}", seen.errors);
}
