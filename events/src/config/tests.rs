use std::path::Path;

use super::*;

const LEAST: &str = "
source: {url: 'http://zitadel:8080', tokenFile: /t}
redis: {groups: {main: {address: 'redis:6379'}}}
";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("events.yaml"), text).map_err(|error| error.to_string())
}

fn refusal(more: &str) -> String {
    parse(&format!("{LEAST}{more}")).expect_err(more)
}

#[test]
fn the_least_is_enough() {
    let config = parse(LEAST).expect("complete");
    let lists: Vec<_> = config.queues().into_iter().map(|plan| (plan.list, plan.group, plan.batch_timeout)).collect();
    let second = Period::millis(1000);
    assert_eq!(
        lists,
        [
            ("zitadel:events:high".into(), "main".into(), Period::millis(10)),
            ("zitadel:events:normal".into(), "main".into(), second),
            ("zitadel:events:low".into(), "main".into(), second)
        ]
    );
    assert_eq!((config.publishing.batch_size, config.rows()), (100, default_rows()));
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    for (more, name) in
        [("qeues: {}", "qeues"), ("publishing: {batchsize: 1}", "batchsize"), ("queues: {urgent: {}}", "urgent")]
    {
        let error = refusal(more);
        assert!(error.contains(name) && error.contains("events.yaml") && error.contains("line"), "{error}");
    }
}

#[test]
fn a_queue_named_twice_is_refused() {
    let error = refusal("queues: {high: {}, high: {}}");
    assert!(error.contains("duplicate"), "{error}");
    let error = refusal("queues: {high: {list: 'zitadel:events:low'}}");
    assert!(error.contains("queues.low.list: zitadel:events:low is already the list of queue high"), "{error}");
    let error = refusal("queues: {high: {list: 'zitadel:events:state'}}");
    assert!(error.contains("already the list of the bridge itself"), "{error}");
}

#[test]
fn bad_globs_times_and_sizes_are_refused() {
    for (more, part) in [
        ("classify: [{to: high, types: ['a.**']}]", "one star"),
        ("classify: [{to: urgent, types: ['a']}]", "urgent"),
        ("payload: [{types: ['*'], fields: [clientSecret]}]", "never published"),
        ("publishing: {batchTimeout: 5}", "10ms, 1s, 5m"),
        ("publishing: {batchSize: 5000}", "not within 1 to 1000"),
        ("publishing: {compression: gzip}", "gzip"),
        ("queues: {low: {maxLength: 5}}", "less than a batch"),
        ("queues: {low: {group: other}}", "not in redis.groups"),
        ("election: {kind: lease}", "namespace/name"),
    ] {
        let error = refusal(more);
        assert!(error.contains(part), "{more}: {error}");
    }
}

#[test]
fn what_belongs_together_is_wanted_together() {
    for (text, part) in [
        ("source: {}\nredis: {groups: {a: {address: 'r:1'}}}", "source.url"),
        (
            "source: {url: 'http://z', tokenFile: /t, keyFile: /k}\nredis: {groups: {a: {address: 'r:1'}}}",
            "either tokenFile or keyFile",
        ),
        ("source: {kind: postgres}\nredis: {groups: {a: {address: 'r:1'}}}", "source.connection"),
        ("source: {url: 'http://z', tokenFile: /t}\nredis: {groups: {a: {master: m}}}", "needs redis.sentinels"),
        ("source: {url: 'http://z', tokenFile: /t}\nredis: {groups: {a: {address: r}}}", "not host:port"),
        (
            "source: {url: 'http://z', tokenFile: /t, start: yesterday}\nredis: {groups: {a: {address: 'r:1'}}}",
            "none of beginning, now",
        ),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains(part), "{error}");
    }
}
