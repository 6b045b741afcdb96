use super::*;

const LEAF: Duration = Duration::from_secs(20);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn after(seconds: u64) -> SystemTime {
    start() + Duration::from_secs(seconds)
}

fn authority() -> Authority {
    let names = Profile::service_names("hook", "ns");
    Authority::new(Profile { identity: "pod-0".into(), names, leaf_lifetime: LEAF }, start()).unwrap()
}

#[test]
fn a_leaf_is_renewed_after_two_thirds_of_its_life() {
    let mut authority = authority();
    let trust = Trust::assumed();
    let first = authority.poll(start(), &trust).unwrap().unwrap();
    assert_eq!(first.not_after(), after(20));
    assert!(first.valid_at(start() - Duration::from_secs(200)), "clocks differ");
    assert!(authority.poll(after(13), &trust).unwrap().is_none());
    assert_eq!(authority.poll(after(14), &trust).unwrap().unwrap().not_after(), after(34));
}

#[test]
fn a_leaf_has_the_names_of_the_service_and_only_serves() {
    let leaf = authority().poll(start(), &Trust::assumed()).unwrap().unwrap();
    let der = leaf.key.cert.first().unwrap();
    let (_, cert) = x509_parser::parse_x509_certificate(der).unwrap();
    let names: Vec<String> = cert
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value
        .general_names
        .iter()
        .map(|name| name.to_string())
        .collect();
    let wanted = ["hook", "hook.ns", "hook.ns.svc", "hook.ns.svc.cluster.local"].map(|name| format!("DNSName({name})"));
    assert_eq!(names, wanted);
    assert!(!cert.is_ca());
    assert!(cert.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn a_successor_is_published_before_it_signs_and_the_old_one_stays() {
    let mut authority = authority();
    let mut trust = Trust::observed(Duration::from_secs(2));
    let old = authority.authorities();
    trust.observe(&old, start());
    authority.poll(start(), &trust).unwrap();
    // Two leaves' worth of the authority's four are left at 40 s; renewals at 14, 28, 42.
    for at in [14, 28, 42] {
        assert_eq!(authority.poll(after(at), &trust).unwrap().unwrap().issuers(), old, "second {at}");
    }
    let both = authority.authorities();
    assert_eq!(both.len(), 2);
    assert_eq!(both.first(), old.first());
    trust.observe(&both, after(56));
    assert_eq!(authority.poll(after(56), &trust).unwrap().unwrap().issuers(), old, "seen, but not for long enough");
    trust.observe(&both, after(70));
    let leaf = authority.poll(after(70), &trust).unwrap().unwrap();
    assert_eq!(leaf.issuers().first(), both.last());
    assert_eq!(authority.poll(after(81), &trust).unwrap().map(|leaf| leaf.not_after()), None);
    assert_eq!(authority.authorities(), both.get(1..).unwrap(), "the expired one is gone");
}

#[test]
fn without_trust_in_the_successor_no_leaf_outlives_its_authority() {
    let mut authority = authority();
    let mut trust = Trust::observed(Duration::ZERO);
    trust.observe(&authority.authorities(), start());
    let mut last = start();
    for at in 0..80 {
        if let Some(leaf) = authority.poll(after(at), &trust).unwrap() {
            assert!(leaf.not_after() <= after(80) && leaf.valid_at(after(at)));
            last = leaf.not_after();
        }
    }
    assert_eq!(last, after(80));
}

#[test]
fn a_node_that_slept_through_everything_gets_a_new_authority() {
    let mut authority = authority();
    let trust = Trust::observed(Duration::ZERO);
    authority.poll(start(), &trust).unwrap();
    let leaf = authority.poll(after(100_000), &trust).unwrap().unwrap();
    assert!(leaf.valid_at(after(100_000)));
    assert_eq!(authority.authorities(), leaf.issuers());
}

#[test]
fn a_clock_that_was_set_back_gets_a_leaf_that_is_valid_then() {
    let mut authority = authority();
    let trust = Trust::assumed();
    authority.poll(start(), &trust).unwrap();
    let earlier = start() - Duration::from_secs(86_400);
    assert!(authority.poll(earlier, &trust).unwrap().unwrap().valid_at(earlier));
}
