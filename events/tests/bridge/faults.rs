//! Everything at once: what must never lose an event.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use blinkchamber_test_tools::redis::Redis;
use serde_json::json;

use crate::support::{Bridge, Stage, assert_complete, client, count, insert, target, until};

const PREFIX: &str = "zitadel:events";

#[test]
fn answers_of_every_bad_kind_are_counted_and_survived() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let bridge = Bridge::start(&stage.config("events.yaml", &server, ""), "a");
    let database = stage.connect();
    let mut stored = 0;
    for (fault, kind) in [
        (json!({"kind": "status", "status": 401, "count": 1}), "unauthenticated"),
        (json!({"kind": "status", "status": 403, "count": 1}), "forbidden"),
        (json!({"kind": "status", "status": 429, "count": 1}), "throttled"),
        (json!({"kind": "status", "status": 503, "count": 2}), "refused"),
        (json!({"kind": "garbage", "count": 1}), "garbage"),
        (json!({"kind": "noise", "count": 1}), "garbage"),
        (json!({"kind": "half", "count": 1}), "unreachable"),
        (json!({"kind": "slow", "millis": 5000, "count": 1}), "unreachable"),
    ] {
        let series = format!("blinkchamber_events_source_requests_total{{kind=\"{kind}\"}}");
        let before = bridge.metric(&series);
        stage.insert(&database, stored..stored + 50);
        stored += 50;
        stage.ask("PUT", "/debug/faults", &fault);
        until(&format!("{fault} is counted"), || (bridge.metric(&series) > before).then_some(()));
    }
    until("all are there", || (count(&mut redis, PREFIX) >= stored).then_some(()));
    assert_complete(&mut redis, PREFIX, stored);
}

#[test]
fn nothing_is_lost_whatever_is_killed() {
    const STEP: u64 = 250;
    const ROUNDS: u64 = 20;
    let mut stage = Stage::new();
    let mut server = Redis::start(stage.directory.path(), &["--appendonly", "yes", "--appendfsync", "always"]);
    let config = stage.config("events.yaml", &server, "publishing: {batchTimeout: 100ms}\n");
    let table = stage.write_config("table.yaml", &format!("{}{}", stage.table(), target(&server)));
    let mut stored = 0;
    for round in 0..ROUNDS {
        // The bridge is killed each time, so that another one goes on, in turn from both sources.
        let bridge = Bridge::start(if round % 3 == 2 { &table } else { &config }, "a");
        let database = stage.connect();
        match round {
            3 | 4 => {
                stage.ask("PUT", "/debug/faults", &json!({"kind": "half", "count": 3}));
            }
            7 => {
                server.kill();
                server.again();
            }
            10 => stage.postgres.restart(),
            // In this round the database's clock is five seconds behind. Events of an aggregate are then dated against their
            // order, which the bridge can put right when it is not behind itself.
            12 => until("it has caught up", || (count(&mut client(server.port()), PREFIX) >= stored).then_some(())),
            14 => fs::write(stage.file("pat"), &stage.owner_token).expect("another token"),
            _ => {}
        }
        let database = if round == 10 { stage.connect() } else { database };
        for part in 0..5 {
            let from = stored + part * STEP / 5;
            let back = if round == 12 { "5 s" } else { "0 s" };
            stage
                .runtime
                .block_on(database.batch_execute(&insert(from..from + STEP / 5, back)))
                .expect("events are stored");
            sleep(Duration::from_millis(60));
        }
        stored += STEP;
        drop(bridge);
    }
    let bridge = Bridge::start(&config, "a");
    let mut redis = client(server.port());
    until("all are there", || (count(&mut redis, PREFIX) >= stored).then_some(()));
    assert_complete(&mut redis, PREFIX, stored);
    drop(bridge);
}

#[test]
fn odd_events_have_an_answer() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let own = target(&server).replace("groups:", "prefix: 'table', groups:");
    let config = stage.config("events.yaml", &server, "");
    let table = stage.write_config("table.yaml", &format!("{}{own}", stage.table()));
    let event = |aggregate: &str, sequence: u32, created: &str, payload: &str| {
        format!(
            "INSERT INTO eventstore.events2 VALUES ('instance', 'org', '{aggregate}', 'org.added', {sequence}, 1, {created}, {payload}, \
             'c', 'o', extract(epoch FROM now()), 1);"
        )
    };
    let now = "clock_timestamp()";
    stage.sql(&event("large", 1, now, "jsonb_build_object('name', repeat('x', 5000000))"));
    stage.sql(&event("future", 1, "now() + interval '1 year'", "'{\"name\": \"f\"}'"));
    stage.sql(&event("gap", 1, now, "NULL"));
    let bridges = [Bridge::start(&config, "a"), Bridge::start(&table, "b")];
    for prefix in [PREFIX, "table"] {
        until("the first are there", || (count(&mut redis, prefix) >= 3).then_some(()));
    }
    stage.sql(&event("gap", 5, now, "NULL"));
    stage.sql(&event("after", 1, now, "NULL"));
    for (prefix, bridge) in [PREFIX, "table"].into_iter().zip(&bridges) {
        until("the last are there", || (count(&mut redis, prefix) >= 5).then_some(()));
        let entries: Vec<String> =
            redis::Commands::lrange(&mut redis, format!("{prefix}:normal"), 0, -1).expect("a list");
        assert_eq!(entries.len(), 5, "once each: {}", entries.len());
        let large = entries.iter().find(|entry| entry.contains("org/large/1")).expect("the large one");
        assert!(
            large.contains(r#""payload":{},"payload_omitted":"too large""#),
            "{}",
            large.chars().take(300).collect::<String>()
        );
        for series in ["sequence_gaps_total", "future_total", "payloads_omitted_total{kind=\"too_large\"}"] {
            assert!(bridge.metric(&format!("blinkchamber_events_{series}")) >= 1.0, "{prefix}: {series}");
        }
    }
}
