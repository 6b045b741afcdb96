use std::time::SystemTime;

use blinkchamber_certs::{Authority, Bundle, Profile};

use super::*;

fn pem() -> String {
    let profile = Profile { identity: "a".into(), names: vec!["a".into()], leaf_lifetime: Duration::from_secs(60) };
    Bundle { certificates: Authority::new(profile, SystemTime::now()).unwrap().authorities() }.to_pem()
}

fn holding(pem: &str) -> ConfigMap {
    ConfigMap { data: Some([(KEY.to_owned(), pem.to_owned())].into()), ..ConfigMap::default() }
}

#[test]
fn a_replica_is_not_ready_before_the_authority_is_known_and_keeps_what_it_knew() {
    let current = Current::new(Defaults::new("agent:1", "https://vault:8200"), true);
    assert!(current.take(None).is_err() && current.take(Some(&ConfigMap::default())).is_err());
    assert!(current.obstacle().is_some_and(|why| why.contains("not published")));
    let first = pem();
    assert_eq!(current.take(Some(&holding(&first))), Ok(true));
    assert_eq!(current.obstacle(), None);
    assert_eq!(current.load().ca_cert_pem.as_deref(), Some(first.as_str()));
    assert_eq!(current.take(Some(&holding(&first))), Ok(false));
    for broken in [None, Some(ConfigMap::default()), Some(holding("nonsense"))] {
        assert!(current.take(broken.as_ref()).is_err());
        assert_eq!(current.load().ca_cert_pem.as_deref(), Some(first.as_str()), "it goes on with what it knew");
    }
    let second = pem();
    assert_eq!(current.take(Some(&holding(&second))), Ok(true));
    assert_eq!(current.load().ca_cert_pem.as_deref(), Some(second.as_str()));
}

#[test]
fn without_somebody_who_publishes_nothing_is_awaited() {
    assert_eq!(Current::from(Defaults::new("agent:1", "http://vault:8200")).obstacle(), None);
}

#[test]
fn a_place_is_a_namespace_and_a_name() {
    let place = Published::parse("blinkchamber/vault-ca").unwrap();
    assert_eq!((place.namespace.as_str(), place.name.as_str()), ("blinkchamber", "vault-ca"));
    for wrong in ["vault-ca", "/vault-ca", "blinkchamber/", "a/b/c", ""] {
        assert_eq!(Published::parse(wrong), None, "{wrong}");
    }
}
