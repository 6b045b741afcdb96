//! Events that nobody disturbs.

use std::process::Command;
use std::time::Duration;

use blinkchamber_test_tools::free_port;
use blinkchamber_test_tools::redis::Redis;
use redis::Commands;
use serde_json::{Value, json};

use crate::support::{Bridge, Stage, assert_complete, client, count, insert, target, until};

const PREFIX: &str = "zitadel:events";

#[test]
fn a_hundred_thousand_events_arrive_once_in_their_lists_and_in_order() {
    const EVENTS: u64 = 100_000;
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config = stage.config("events.yaml", &server, "");
    let database = stage.connect();
    // A backlog, and then as it comes.
    (0..EVENTS / 2).step_by(5000).for_each(|from| stage.insert(&database, from..from + 5000));
    let bridge = Bridge::start(&config, "a");
    (EVENTS / 2..EVENTS).step_by(200).for_each(|from| stage.insert(&database, from..from + 200));
    until("all are there", || (count(&mut redis, PREFIX) >= EVENTS).then_some(()));
    assert_complete(&mut redis, PREFIX, EVENTS);
    let pushed: f64 = ["high", "normal", "low"]
        .iter()
        .map(|queue| bridge.metric(&format!("blinkchamber_events_pushed_total{{queue=\"{queue}\"}}")))
        .sum();
    assert_eq!(pushed as u64, EVENTS);
    assert_eq!(bridge.metric("blinkchamber_events_unknown_types_total") as u64, EVENTS / 9);
    until("the lag is gone", || (bridge.metric("blinkchamber_events_lag_events{group=\"main\"}") == 0.0).then_some(()));
    assert!(bridge.get("/livez").is_some() && bridge.get("/readyz").is_some());
}

#[test]
fn a_transaction_open_for_ten_seconds_is_not_lost_while_others_commit() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let api = stage.config("api.yaml", &server, "");
    let own = target(&server).replace("groups:", "prefix: 'table', groups:");
    let table = stage.write_config("table.yaml", &format!("{}{own}", stage.table()));
    let bridges = [Bridge::start(&api, "a"), Bridge::start(&table, "b")];
    let (slow, fast) = (stage.connect(), stage.connect());
    let run =
        |client: &tokio_postgres::Client, sql: &str| stage.runtime.block_on(client.batch_execute(sql)).expect("run");
    run(&slow, "SET application_name = 'zitadel_es_pusher'; BEGIN");
    run(&slow, &insert(0..10, "0 s"));
    for step in 0..20 {
        let from = 10 + step * 10;
        stage.insert(&fast, from..from + 10);
        std::thread::sleep(Duration::from_millis(500));
    }
    run(&slow, "COMMIT");
    for prefix in [PREFIX, "table"] {
        until("all are there", || (count(&mut redis, prefix) >= 210).then_some(()));
        assert_complete(&mut redis, prefix, 210);
    }
    drop(bridges);
}

#[test]
fn a_knock_wakes_and_a_forged_one_does_not() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let door = free_port();
    let endpoint = json!({"endpoint": format!("http://127.0.0.1:{door}/zitadel")});
    let made = stage.ask("POST", "/v2/actions/targets", &endpoint);
    std::fs::write(stage.file("keys"), made["signingKey"].as_str().expect("a key")).expect("written");
    let source = stage.source().replace("poll: 50ms", "poll: 1h");
    let more = format!("webhook: {{listen: '127.0.0.1:{door}', keysFile: '{}'}}\n", stage.file("keys").display());
    let config = stage.write_config("events.yaml", &format!("{source}{}{more}", target(&server)));
    let bridge = Bridge::start(&config, "a");
    bridge.waits_for("blinkchamber_events_source_requests_total{kind=\"ok\"}");
    stage.ask("POST", "/management/v1/users/machine", &json!({"userName": "knock"}));
    until("the knock is heard", || (count(&mut redis, PREFIX) >= 1).then_some(()));
    assert_eq!(bridge.metric("blinkchamber_events_webhooks_total{kind=\"accepted\"}"), 1.0);
    std::fs::write(stage.file("keys"), "another").expect("written");
    stage.ask("POST", "/management/v1/users/machine", &json!({"userName": "forged"}));
    bridge.waits_for("blinkchamber_events_webhooks_total{kind=\"forged\"}");
    assert_eq!(count(&mut redis, PREFIX), 1, "what is forged wakes nobody");
}

#[test]
fn the_end_flushes_and_the_other_replica_takes_over() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config =
        stage.config("events.yaml", &server, "publishing: {batchTimeout: 1h}\nqueues: {high: {batchTimeout: 1h}}\n");
    let database = stage.connect();
    let first = Bridge::start(&config, "a");
    first.waits_for("blinkchamber_events_leader");
    let second = Bridge::start(&config, "b");
    stage.insert(&database, 0..30);
    until("they are read", || (first.metric("blinkchamber_events_lag_events{group=\"main\"}") >= 30.0).then_some(()));
    assert_eq!((count(&mut redis, PREFIX), second.metric("blinkchamber_events_leader")), (0, 0.0));
    first.terminate();
    assert_complete(&mut redis, PREFIX, 30);
    second.waits_for("blinkchamber_events_leader");
    stage.insert(&database, 30..60);
    until("the other goes on", || {
        (second.metric("blinkchamber_events_lag_events{group=\"main\"}") >= 30.0).then_some(())
    });
    second.terminate();
    assert_complete(&mut redis, PREFIX, 60);
}

#[test]
fn a_changed_configuration_is_used_and_a_wrong_one_is_not() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config = stage.config("events.yaml", &server, "");
    let database = stage.connect();
    let bridge = Bridge::start(&config, "a");
    // The file that the process reads has the port of its metrics too.
    let own = config.with_extension("a.yaml");
    let text = std::fs::read_to_string(&own).expect("a configuration");
    bridge.waits_for("blinkchamber_events_leader");
    let rewrite = |more: &str| drop(stage.write_config("events.a.yaml", &format!("{text}{more}")));
    rewrite("classify: [{to: drop, types: ['*'}]\n");
    bridge.waits_for("blinkchamber_events_reloads_total{kind=\"refused\"}");
    stage.insert(&database, 0..9);
    until("the old one is in use", || (count(&mut redis, PREFIX) >= 9).then_some(()));
    rewrite("classify: [{to: low, types: ['*']}]\npublishing: {compression: zstd}\n");
    bridge.waits_for("blinkchamber_events_reloads_total{kind=\"ok\"}");
    stage.insert(&database, 9..18);
    until("the new one is in use", || (redis.llen::<_, u64>("zitadel:events:low").ok()? >= 11).then_some(()));
    let last: Vec<u8> = redis.lindex("zitadel:events:low", -1).expect("an entry");
    assert_eq!(last[0], 1, "compressed, with its version first");
    let (code, out, _) =
        crate::support::command(&["peek", "--config", own.to_str().expect("text"), "--queue", "low", "--count", "20"]);
    let last: Value = serde_json::from_str(out.lines().last().expect("lines")).expect("peek unpacks");
    assert_eq!((code, out.lines().count(), &last["aggregate_id"]), (0, 11, &json!("17")));
}

#[test]
fn a_consumer_that_dies_loses_nothing_and_what_it_cannot_do_is_put_aside() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config = stage.config("events.yaml", &server, "");
    let config = config.to_str().expect("text").to_owned();
    let list = "zitadel:events:high";
    for number in 1..=3 {
        redis.rpush::<_, _, ()>(list, format!(r#"{{"v":1,"id":"i/user/{number}/1"}}"#)).expect("pushed");
    }
    let out = stage.file("out").display().to_string();
    // The first consumer hangs in its work and is killed.
    let mut hanging = Command::new(env!("CARGO_BIN_EXE_blinkchamber-events"))
        .args(["consume", "--config", &config, "--queue", "high", "--name", "a", "--exec", "sleep", "1000"])
        .spawn()
        .expect("a program");
    until("it works", || (redis.llen::<_, u64>("zitadel:events:high:processing:a").ok()? == 1).then_some(()));
    hanging.kill().expect("killed");
    hanging.wait().expect("gone");
    redis.del::<_, ()>("zitadel:events:high:consumer:a").expect("its sign of life has run out");
    let script = format!("read -r line; case $line in *user/2/*) exit 7;; esac; echo \"$line\" >> {out}");
    let arguments = [
        "consume",
        "--config",
        &config,
        "--queue",
        "high",
        "--name",
        "b",
        "--once",
        "--attempts",
        "2",
        "--exec",
        "sh",
        "-c",
        &script,
    ];
    let (code, _, error) = crate::support::command(&arguments);
    assert_eq!(code, 0, "{error}");
    let done = std::fs::read_to_string(&out).expect("something was done");
    assert_eq!(
        done.lines().filter_map(|line| line.split('/').nth(2)).collect::<Vec<_>>(),
        ["1", "3"],
        "in the old order: {done}"
    );
    let letter: String = redis.lindex("zitadel:events:dead_letter", 0).expect("a letter");
    let letter: Value = serde_json::from_str(&letter).expect("JSON");
    assert!(letter["reason"].as_str().is_some_and(|reason| reason.contains("exit status: 7")), "{letter}");
    assert_eq!(letter["event"]["id"], json!("i/user/2/1"));
    let (code, said, _) = crate::support::command(&["replay", "--config", &config]);
    assert_eq!((code, said.starts_with("1 replayed, 0 kept"), redis.llen(list)), (0, true, Ok(1_u64)));
}
