//! What happens in ZITADEL is in Redis, in the list of its urgency, also when the pod that pushes is killed.

use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{holder, kubectl};
use blinkchamber_tests::redis::{Door, Login};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use crate::zitadel::Zitadel;

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn what_happens_in_zitadel_is_in_its_list_and_goes_on_when_the_leader_is_killed() {
    let operator = Operator::login();
    let (door, zitadel) = (Door::new(&operator), Zitadel::new());
    let login = Login::of_the_moment(&operator, "redis/events", "events");
    let events = || -> Result<Vec<Value>, String> {
        let mut redis = door.open("redis-group-2.database.svc", 6379, &login)?;
        let all = redis.call(&["LRANGE", "zitadel:events:normal", "0", "-1"])?;
        all.iter().map(|text| serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))).collect()
    };
    let make = || {
        let name = format!("events-{}", fastrand::u32(..));
        let made = zitadel.ask("management/v1/users/machine", &json!({"userName": name})).expect("the user is made");
        made["userId"].as_str().expect("an id").to_owned()
    };
    let arrives = |user: &str, what: &str| {
        wait::until(what, LIMIT, || {
            let all = events()?;
            let of_user: Vec<_> = all.iter().filter(|event| event["aggregate_id"] == user).collect();
            match of_user.as_slice() {
                [only] => Ok((*only).clone()),
                found => Err(format!("{} of {} events are of the user", found.len(), all.len())),
            }
        })
    };
    let event = arrives(&make(), "the event is in the list");
    assert_eq!((&event["v"], &event["type"]), (&json!(1), &json!("user.machine.added")), "{event}");
    assert!(!event.to_string().contains(&login.password), "no secret: {event}");

    let holder = || holder("identity", "zitadel-events");
    let leader = holder();
    assert!(leader.starts_with("zitadel-events-"), "{leader}");
    kubectl(&["delete", "pod", "-n", "identity", &leader, "--grace-period=0", "--force"]);
    let user = make();
    arrives(&user, "the event of the time between two leaders is in the list, once");
    assert_ne!(holder(), leader, "another pod pushes");
}
