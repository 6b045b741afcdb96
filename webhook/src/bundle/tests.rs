use blinkchamber_certs::{Authority, Profile};
use k8s_openapi::ByteString;

use super::*;

fn place() -> Place {
    let text = str::to_owned;
    Place { configuration: text("hook"), service: text("hook"), namespace: text("ns"), pod: text("a") }
}

fn ca(identity: &str) -> CaCert {
    let profile = Profile { identity: identity.into(), names: vec![], leaf_lifetime: Duration::from_secs(60) };
    Authority::new(profile, SystemTime::now()).unwrap().authorities().remove(0)
}

fn configuration(services: &[(&str, &str)], bundle: &Bundle) -> MutatingWebhookConfiguration {
    let webhooks: Vec<Value> = services
        .iter()
        .map(|(namespace, name)| {
            json!({"name": "x.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"service": {"namespace": namespace, "name": name}}})
        })
        .collect();
    let mut configuration: MutatingWebhookConfiguration =
        serde_json::from_value(json!({"metadata": {"name": "hook", "resourceVersion": "7"}, "webhooks": webhooks}))
            .unwrap();
    for webhook in configuration.webhooks.iter_mut().flatten() {
        webhook.client_config.ca_bundle = Some(ByteString(bundle.to_pem().into_bytes()));
    }
    configuration
}

fn wanted<'a>(own: &'a [CaCert], live: Option<&'a BTreeSet<String>>) -> Wanted<'a> {
    Wanted { own, identity: "a", live, now: SystemTime::now() }
}

#[test]
fn every_entry_of_ours_and_no_other_is_written_under_the_version_that_was_read() {
    let configuration =
        configuration(&[("ns", "hook"), ("other", "hook"), ("ns", "hook")], &Bundle { certificates: vec![] });
    let own = [ca("a")];
    let entries = entries(&configuration, &place());
    let change = changes(&configuration, &entries, &wanted(&own, None)).unwrap();
    let pem = STANDARD.encode(Bundle { certificates: own.to_vec() }.to_pem());
    let wanted = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": pem},
        {"op": "add", "path": "/webhooks/2/clientConfig/caBundle", "value": pem},
    ]);
    assert_eq!(change, wanted);
    serde_json::from_value::<json_patch::Patch>(change).unwrap();
}

#[test]
fn a_bundle_that_is_right_is_left_alone() {
    let (own, other) = ([ca("a")], ca("b"));
    let now = SystemTime::now();
    let bundle = merge(&Bundle { certificates: vec![other] }, &own, "a", None, now);
    let configuration = configuration(&[("ns", "hook")], &bundle);
    let entries = entries(&configuration, &place());
    assert_eq!(changes(&configuration, &entries, &wanted(&own, None)), None);
    let live = BTreeSet::from(["a".to_owned()]);
    let change = changes(&configuration, &entries, &wanted(&own, Some(&live))).unwrap();
    let pem = STANDARD.encode(Bundle { certificates: own.to_vec() }.to_pem());
    assert_eq!(change[1]["value"], pem, "the other replica is gone");
}

#[test]
fn a_bundle_is_never_emptied() {
    let configuration = configuration(&[("ns", "hook")], &Bundle { certificates: vec![ca("gone")] });
    let entries = entries(&configuration, &place());
    let live = BTreeSet::new();
    assert_eq!(changes(&configuration, &entries, &wanted(&[], Some(&live))), None);
}

#[test]
fn waits_between_attempts_grow_and_are_bounded() {
    for attempt in 0..10 {
        let wait = jitter(attempt);
        let most = Duration::from_millis(100) * 2_u32.pow(attempt.min(4));
        assert!(wait > Duration::ZERO && wait <= most, "{attempt}: {wait:?}");
    }
}

#[test]
fn a_configuration_that_is_gone_ends_trust_and_a_silent_server_does_not() {
    let api = |code: u16| {
        let status = kube::core::Status { code, ..kube::core::Status::default() };
        Error::Api { operation: "get", subject: "x".into(), source: Box::new(kube::Error::Api(Box::new(status))) }
    };
    assert!(api(404).means_no_trust() && !api(403).means_no_trust() && !api(500).means_no_trust());
    let text = str::to_owned;
    let none = Error::NoEntry { configuration: text("a"), namespace: text("b"), service: text("c") };
    assert!(none.means_no_trust());
    assert!(!Error::Contended(text("a")).means_no_trust());
}
