use std::time::Duration;

use super::*;
use crate::{Authority, Profile};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn ca(identity: &str, made: SystemTime) -> CaCert {
    let profile = Profile { identity: identity.into(), names: vec![], leaf_lifetime: Duration::from_secs(1000) };
    Authority::new(profile, made).unwrap().authorities().remove(0)
}

fn foreign(not_after: SystemTime) -> CaCert {
    let mut params = rcgen::CertificateParams::default();
    params.not_after = not_after.into();
    let key = rcgen::KeyPair::generate().unwrap();
    CaCert::from_der(params.self_signed(&key).unwrap().der().clone(), "foreign").unwrap()
}

fn live(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn other_replicas_stay_while_they_live_and_go_when_they_are_gone() {
    let (mine, other, dead) = (ca("a", now()), ca("b", now()), ca("c", now()));
    let existing = Bundle { certificates: vec![dead.clone(), other.clone()] };
    let own = std::slice::from_ref(&mine);
    let merged = merge(&existing, own, "a", Some(&live(&["a", "b"])), now());
    assert_eq!(merged.certificates, [mine.clone(), other.clone()]);
    let unknown = merge(&existing, own, "a", None, now());
    assert_eq!(unknown.certificates, [mine, other, dead]);
}

#[test]
fn an_earlier_process_of_the_same_pod_goes() {
    let (before, mine) = (ca("a", now()), ca("a", now()));
    let existing = Bundle { certificates: vec![before] };
    assert_eq!(merge(&existing, std::slice::from_ref(&mine), "a", None, now()).certificates, [mine]);
}

#[test]
fn foreign_authorities_stay_until_they_expire() {
    let (good, expired) = (foreign(now() + Duration::from_secs(60)), foreign(now() - Duration::from_secs(60)));
    let stale = ca("b", now() - Duration::from_secs(5000));
    let existing = Bundle { certificates: vec![expired, good.clone(), stale] };
    assert_eq!(merge(&existing, &[], "a", Some(&live(&["b"])), now()).certificates, [good]);
}

#[test]
fn replicas_that_merge_the_same_facts_write_the_same_bytes() {
    let (a, b, f) = (ca("a", now()), ca("b", now()), foreign(now() + Duration::from_secs(60)));
    let left = merge(&Bundle { certificates: vec![f.clone(), b.clone()] }, std::slice::from_ref(&a), "a", None, now());
    let right = merge(&Bundle { certificates: vec![a, f] }, &[b], "b", None, now());
    assert_eq!(left.to_pem(), right.to_pem());
    assert_eq!(merge(&left, &[], "c", None, now()), left);
}

#[test]
fn pem_survives_the_way_there_and_back_and_damage_is_left_out() {
    let bundle = Bundle { certificates: vec![ca("a", now()), ca("b", now())] };
    let pem = bundle.to_pem();
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(Bundle::read(pem.as_bytes()), bundle);
    let damaged = format!("-----BEGIN CERTIFICATE-----\n@@@@\n-----END CERTIFICATE-----\n{pem}");
    assert_eq!(Bundle::read(damaged.as_bytes()), bundle);
    assert_eq!(Bundle::read(b"Cg=="), Bundle { certificates: vec![] });
}
