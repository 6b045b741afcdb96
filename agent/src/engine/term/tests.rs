use std::{collections::BTreeMap, time::Duration};

use blinkchamber_templates::{Dependency, Json};

use super::{Term, Version, of};

fn read(path: &str, body: &str) -> Term {
    of(&Dependency::Read { path: path.to_owned() }, &Json::parse(body.as_bytes()).unwrap(), 1_000)
}

#[test]
fn a_lease_wins_over_everything_else() {
    let body = r#"{"lease_id":"db/1","lease_duration":60,"renewable":true,"data":{"ttl":5,"rotation_period":5}}"#;
    let lease = Duration::from_secs(60);
    assert_eq!(read("db/creds/x", body), Term::Leased { id: "db/1".to_owned(), lease, renewable: true });
}

#[test]
fn kv_1_and_whatever_has_no_lease_is_static_even_with_a_duration() {
    let body = r#"{"lease_id":"","lease_duration":2764800,"renewable":false,"data":{"a":"b"}}"#;
    assert_eq!(read("kv/app", body), Term::Static);
}

#[test]
fn kv_2_is_known_by_its_version() {
    let body = r#"{"lease_id":"","data":{"data":{"a":"b"},"metadata":{"version":3,"created_time":"t","custom_metadata":null}}}"#;
    assert_eq!(
        read("secret/app", body),
        Term::Versioned(Version { number: 3, created: "t".to_owned(), custom: Vec::new() })
    );
    assert_eq!(read("secret/app?version=3", body), Term::Static);
}

#[test]
fn what_the_server_rotates_is_read_after_that() {
    let ttl = Some(Duration::from_secs(5));
    assert_eq!(read("db/static-creds/x", r#"{"data":{"rotation_period":60,"ttl":5}}"#), Term::Rotating(ttl));
    assert_eq!(read("db/static-creds/x", r#"{"data":{"rotation_schedule":"@daily","ttl":5}}"#), Term::Rotating(ttl));
    for due in ["0", "-1"] {
        let body = format!(r#"{{"data":{{"rotation_period":60,"ttl":{due}}}}}"#);
        assert_eq!(read("db/static-creds/x", &body), Term::Rotating(None));
    }
}

#[test]
fn certificates_secret_ids_and_tokens_end() {
    let body = r#"{"data":{"certificate":"c","expiration":1600}}"#;
    assert_eq!(read("pki/issue/x", body), Term::Until(Duration::from_secs(600)));
    let body = r#"{"data":{"certificate":"c","expiration":600}}"#;
    assert_eq!(read("pki/issue/x", body), Term::Until(Duration::ZERO), "over already");
    let body = r#"{"data":{"secret_id":"s","secret_id_ttl":30}}"#;
    assert_eq!(read("auth/approle/role/x/secret-id", body), Term::Until(Duration::from_secs(30)));
    let body = r#"{"data":null,"auth":{"client_token":"t","lease_duration":90}}"#;
    let write = Dependency::Write { path: "auth/token/create".to_owned(), data: BTreeMap::new() };
    assert_eq!(of(&write, &Json::parse(body.as_bytes()).unwrap(), 0), Term::Until(Duration::from_secs(90)));
}

#[test]
fn a_clock_that_was_set_wrong_neither_ends_a_certificate_at_once_nor_lets_it_run_out() {
    let mut params = rcgen::CertificateParams::new(vec!["app.test".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2030, 1, 1), rcgen::date_time_ymd(2030, 1, 2));
    let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let end: u64 = 1_893_456_000 + 86_400;
    let body = serde_json::json!({ "data": { "certificate": certificate, "expiration": end } }).to_string();
    let dependency = Dependency::Read { path: "pki/issue/x".to_owned() };
    let at = |now| of(&dependency, &Json::parse(body.as_bytes()).unwrap(), now);
    let day = Duration::from_secs(86_400);
    assert_eq!(at(end - 600), Term::Until(Duration::from_secs(600)));
    assert_eq!(at(end + 7 * 86_400), Term::Until(day), "the clock is a week ahead");
    assert_eq!(at(end - 7 * 86_400), Term::Until(day), "the clock is a week behind");
}

#[test]
fn the_current_version_is_none_when_it_is_deleted() {
    let current = |text: &str| Version::current(&Json::parse(text.as_bytes()).unwrap());
    let alive = r#"{"current_version":2,"custom_metadata":{"owner":"me"},"versions":{"2":{"created_time":"t","deletion_time":"","destroyed":false}}}"#;
    let custom = vec![("owner".to_owned(), "me".to_owned())];
    assert_eq!(current(alive), Some(Version { number: 2, created: "t".to_owned(), custom }));
    assert_eq!(current(&alive.replace(r#""deletion_time":"""#, r#""deletion_time":"2026-01-01T00:00:00Z""#)), None);
    assert_eq!(current(&alive.replace("false", "true")), None);
    assert_eq!(current("{}"), None);
}
