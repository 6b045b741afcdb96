use super::*;
use crate::{Authority, Profile};

#[test]
fn an_authority_counts_after_it_has_been_there_for_a_while() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let profile = Profile { identity: "a".into(), names: vec![], leaf_lifetime: Duration::from_secs(60) };
    let cas = Authority::new(profile, start).unwrap().authorities();
    let ca = cas.first().unwrap();
    let second = Duration::from_secs(1);
    let mut trust = Trust::observed(second * 2);
    assert!(!trust.holds(ca, start));
    trust.observe(&cas, start);
    trust.observe(&cas, start + second);
    assert!(!trust.holds(ca, start + second));
    assert!(trust.holds(ca, start + second * 2));
    // Lost and found: it starts over. So it does when the clock is set back.
    trust.observe(&[], start + second * 3);
    assert!(!trust.holds(ca, start + second * 3));
    trust.observe(&cas, start + second * 4);
    assert!(!trust.holds(ca, start + second * 5));
    trust.observe(&cas, start);
    assert!(trust.holds(ca, start + second * 2));
    assert!(Trust::assumed().holds(ca, start));
}
