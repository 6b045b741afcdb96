use blinkchamber_certs::{Authority, Profile};

use super::*;

#[tokio::test]
async fn a_successor_is_announced_and_taken_into_use_when_it_is_trusted() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let at = |seconds| start + Duration::from_secs(seconds);
    let profile = Profile { identity: "a".into(), names: vec!["x".into()], leaf_lifetime: Duration::from_secs(20) };
    let source = Source::Own(Box::new(Authority::new(profile, start).unwrap()));
    let metrics = Arc::new(Metrics::new());
    let trust = Trust::observed(Duration::ZERO);
    let keeper = Keeper::new(source, trust, Arc::new(Served::default()), Arc::clone(&metrics));
    assert_eq!(keeper.obstacle(start), Some("no certificate yet"));
    keeper.tick(start).unwrap();
    keeper.changed.notified().await;
    keeper.observe(&keeper.authorities(), start);
    assert_eq!(keeper.obstacle(start), None);
    assert_eq!(keeper.obstacle(at(30)), Some("the certificate has expired"));
    for second in 1..=40 {
        keeper.tick(at(second)).unwrap();
        assert_eq!(keeper.obstacle(at(second)), None, "second {second}");
    }
    assert_eq!(metrics.leaf_issued.get(), 3);
    keeper.tick(at(41)).unwrap();
    keeper.changed.notified().await;
    assert_eq!(keeper.authorities().len(), 2);
    keeper.observe(&keeper.authorities(), at(41));
    for second in 42..=120 {
        keeper.tick(at(second)).unwrap();
        keeper.observe(&keeper.authorities(), at(second));
        assert_eq!(keeper.obstacle(at(second)), None, "second {second}");
    }
}
