//! What Redis and Sentinel can do to the bridge.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use blinkchamber_test_tools::free_port;
use blinkchamber_test_tools::redis::Redis;
use redis::Commands;
use serde_json::Value;

use crate::support::{Bridge, Stage, assert_complete, client, command, count, target, until};

const PREFIX: &str = "zitadel:events";

/// What the bridge's user needs, and nothing more (docs/reference/events.md).
const RIGHTS: &str = "~zitadel:events:* +eval +hset +hmget +llen +lrange +lindex +rpush +lpop +ltrim +get +set +del";

fn set(redis: &mut redis::Connection, words: &[&str]) {
    let (name, arguments) = words.split_first().expect("a command");
    redis::cmd(name).arg(arguments).exec(redis).expect("the command is done");
}

/// User `bridge` with a password and the rights.
fn let_in(redis: &mut redis::Connection, more: &str, rights: &str) {
    let rules: Vec<&str> =
        ["ACL", "SETUSER", "bridge", "on"].into_iter().chain(more.split(' ')).chain(rights.split(' ')).collect();
    set(redis, &rules);
}

#[test]
fn a_promoted_replica_without_the_last_writes_is_noticed_and_nothing_is_lost() {
    let stage = Stage::new();
    let directory = stage.directory.path();
    let mut first = Redis::start(directory, &["--repl-diskless-sync-delay", "0"]);
    let second = Redis::start(directory, &["--replicaof", "127.0.0.1", &first.port().to_string()]);
    let sentinel = Redis::sentinel(directory, &[("group-0", first.port())], 1, "");
    let mut replica = client(second.port());
    let linked = |replica: &mut redis::Connection| {
        let info: String = redis::cmd("INFO").arg("replication").query(replica).expect("an answer");
        info.contains("master_link_status:up").then_some(())
    };
    until("the replica follows", || linked(&mut replica));
    let mut guard = client(sentinel.port());
    until("the Sentinel knows it", || {
        let known: Vec<Vec<String>> = redis::cmd("SENTINEL").arg("REPLICAS").arg("group-0").query(&mut guard).ok()?;
        (!known.is_empty()).then_some(())
    });
    let redis = format!(
        "redis: {{groups: {{main: {{master: group-0}}}}, sentinels: ['127.0.0.1:1', '{}'], timeout: 1s}}\nelection: {{term: 2s}}\n",
        sentinel.address()
    );
    let config = stage.write_config("events.yaml", &format!("{}{redis}", stage.source()));
    let bridge = Bridge::start(&config, "a");
    let database = stage.connect();
    stage.insert(&database, 0..900);
    until("the replica has them", || (count(&mut replica, PREFIX) >= 900).then_some(()));
    // From here on the replica hears nothing; the master takes more and dies.
    let stop = |signal: &str| Command::new("kill").args([signal, &second.id().to_string()]).status().expect("kill");
    assert!(stop("-STOP").success());
    stage.insert(&database, 900..1800);
    let mut master = client(first.port());
    until("the master has them", || (count(&mut master, PREFIX) >= 1800).then_some(()));
    first.kill();
    assert!(stop("-CONT").success());
    until("the replica is master", || {
        let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut client(second.port())).ok()?;
        (role.first() == Some(&redis::Value::BulkString(b"master".to_vec()))).then_some(())
    });
    let mut promoted = client(second.port());
    until("what was lost is read again", || (count(&mut promoted, PREFIX) >= 1800).then_some(()));
    assert_complete(&mut promoted, PREFIX, 1800);
    stage.insert(&database, 1800..2000);
    until("it goes on", || (count(&mut promoted, PREFIX) >= 2000).then_some(()));
    assert_complete(&mut promoted, PREFIX, 2000);
    assert!(bridge.metric("blinkchamber_events_claims_total") >= 2.0);
}

#[test]
fn of_two_bridges_that_both_lead_only_one_writes_at_a_time() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config = stage.config("events.yaml", &server, "publishing: {batchTimeout: 20ms}\n");
    let database = stage.connect();
    let bridges = [Bridge::start(&config, "a"), Bridge::start(&config, "b")];
    for step in 0..60 {
        // Nobody holds the lock any more, and both take it for theirs in turn.
        if step % 4 == 0 {
            redis.set::<_, _, ()>("zitadel:events:lock", if step % 8 == 0 { "a" } else { "b" }).expect("set");
        }
        stage.insert(&database, step * 50..step * 50 + 50);
        sleep(Duration::from_millis(100));
    }
    until("all are there", || (count(&mut redis, PREFIX) >= 3000).then_some(()));
    assert_complete(&mut redis, PREFIX, 3000);
    for bridge in &bridges {
        assert!(bridge.metric("blinkchamber_events_claims_total") >= 1.0, "both have led");
    }
    // The one that was told first writes nothing with its old fence.
    let fence: String = redis.hget("zitadel:events:state", "fence").expect("a fence");
    redis.hset::<_, _, _, ()>("zitadel:events:state", "fence", "999-another").expect("another has claimed");
    stage.insert(&database, 3000..3100);
    until("the fence is noticed", || {
        bridges.iter().any(|bridge| bridge.metric("blinkchamber_events_fenced_total") >= 1.0).then_some(())
    });
    until("the group is taken again", || (count(&mut redis, PREFIX) >= 3100).then_some(()));
    assert_complete(&mut redis, PREFIX, 3100);
    let now: String = redis.hget("zitadel:events:state", "fence").expect("a fence");
    assert!(
        now != fence
            && now.split('-').next().is_some_and(|number| number.parse::<u64>().is_ok_and(|number| number >= 1000))
    );
}

#[test]
fn tokens_and_passwords_change_under_it() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let_in(&mut redis, ">first", RIGHTS);
    fs::write(stage.file("password"), "first\n").expect("written");
    let login = format!("login: {{username: bridge, passwordFile: '{}'}}, groups:", stage.file("password").display());
    let config =
        stage.write_config("events.yaml", &format!("{}{}", stage.source(), target(&server).replace("groups:", &login)));
    let bridge = Bridge::start(&config, "a");
    let database = stage.connect();
    stage.insert(&database, 0..100);
    until("the first are there", || (count(&mut redis, PREFIX) >= 100).then_some(()));
    // The new password beside the old one, then in the file, then alone; and everybody has to log in again.
    let_in(&mut redis, ">second", RIGHTS);
    fs::write(stage.file("password"), "second\n").expect("written");
    let_in(&mut redis, "<first", RIGHTS);
    set(&mut redis, &["CLIENT", "KILL", "USER", "bridge"]);
    stage.insert(&database, 100..200);
    until("the next are there", || (count(&mut redis, PREFIX) >= 200).then_some(()));
    // The wrong way round: the old one is void before the file has the new one.
    let_in(&mut redis, "resetpass >third", RIGHTS);
    set(&mut redis, &["CLIENT", "KILL", "USER", "bridge"]);
    stage.insert(&database, 200..250);
    bridge.waits_for("blinkchamber_events_redis_errors_total{kind=\"login\"}");
    fs::write(stage.file("password"), "third\n").expect("written");
    // The token too.
    fs::write(stage.file("pat"), "wrong").expect("written");
    bridge.waits_for("blinkchamber_events_source_requests_total{kind=\"unauthenticated\"}");
    fs::write(stage.file("pat"), stage.owner_token.as_str()).expect("written");
    stage.sql("DELETE FROM eventstore.events2 WHERE event_type LIKE 'user.pat.%'");
    stage.insert(&database, 250..300);
    until("the last are there", || (count(&mut redis, PREFIX) >= 300).then_some(()));
    assert_complete(&mut redis, PREFIX, 300);
}

#[test]
fn what_redis_refuses_is_named_counted_and_not_lost() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let config = stage.config("events.yaml", &server, "publishing: {attempts: 2}\n");
    let bridge = Bridge::start(&config, "a");
    let database = stage.connect();
    bridge.waits_for("blinkchamber_events_claims_total");
    let error = |kind: &str| format!("blinkchamber_events_redis_errors_total{{kind=\"{kind}\"}}");
    // Out of memory.
    set(&mut redis, &["CONFIG", "SET", "maxmemory", "1"]);
    stage.insert(&database, 0..90);
    bridge.waits_for(&error("oom"));
    set(&mut redis, &["CONFIG", "SET", "maxmemory", "0"]);
    until("it goes on", || (count(&mut redis, PREFIX) >= 90).then_some(()));
    // No rights, and no password where one is wanted.
    set(&mut redis, &["ACL", "SETUSER", "default", "-eval"]);
    stage.insert(&database, 90..180);
    bridge.waits_for(&error("forbidden"));
    set(&mut redis, &["ACL", "SETUSER", "default", "+eval"]);
    until("it goes on", || (count(&mut redis, PREFIX) >= 180).then_some(()));
    // A replica that was a master, without anybody to ask.
    set(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
    stage.insert(&database, 180..270);
    bridge.waits_for(&error("readonly"));
    set(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    until("it goes on", || (count(&mut redis, PREFIX) >= 270).then_some(()));
    assert_complete(&mut redis, PREFIX, 270);
    // A list that is none: its events go to the dead letters, those of the others do not.
    redis.rename::<_, _, ()>("zitadel:events:low", "kept").expect("renamed");
    redis.set::<_, _, ()>("zitadel:events:low", "a text").expect("set");
    stage.insert(&database, 270..360);
    until("the letters are there", || (redis.llen::<_, u64>("zitadel:events:dead_letter").ok()? >= 20).then_some(()));
    assert!(bridge.metric(&error("wrongtype")) >= 2.0);
    assert_eq!(bridge.metric("blinkchamber_events_dead_letters_total{kind=\"wrongtype\"}"), 20.0);
    let config = config.to_str().expect("text");
    let (code, out, _) = command(&["peek", "--config", config, "--queue", "dead_letter", "--count", "1"]);
    let letter: Value = serde_json::from_str(&out).expect("JSON");
    assert!(code == 0 && letter["reason"].as_str().is_some_and(|reason| reason.contains("WRONGTYPE")), "{letter}");
    redis.rename::<_, _, ()>("kept", "zitadel:events:low").expect("renamed");
    let (code, out, _) = command(&["replay", "--config", config]);
    assert!(code == 0 && out.starts_with("20 replayed, 0 kept"), "{out}");
    until("the others are there", || (count(&mut redis, PREFIX) >= 360).then_some(()));
    assert_complete(&mut redis, PREFIX, 360);
}

#[test]
fn a_full_list_makes_it_wait_or_loses_its_oldest_as_was_asked() {
    let stage = Stage::new();
    let server = Redis::start(stage.directory.path(), &[]);
    let mut redis = client(server.port());
    let more = "publishing: {batchSize: 10, batchTimeout: 20ms}\n\
                queues: {normal: {maxLength: 50}, low: {maxLength: 50, whenFull: trim}}\n";
    let bridge = Bridge::start(&stage.config("events.yaml", &server, more), "a");
    let database = stage.connect();
    stage.insert(&database, 0..450);
    bridge.waits_for("blinkchamber_events_queue_full{queue=\"normal\"}");
    // 150 high ones, all of them: they do not wait for the normal ones. 100 low ones, of which 50 are left.
    until("the others go on", || (redis.llen::<_, u64>("zitadel:events:high").ok()? >= 150).then_some(()));
    until("the oldest are gone", || {
        (bridge.metric("blinkchamber_events_trimmed_total{queue=\"low\"}") >= 50.0).then_some(())
    });
    assert_eq!((redis.llen("zitadel:events:low"), redis.llen("zitadel:events:normal")), (Ok(50_u64), Ok(50_u64)));
    // Somebody takes from the full list.
    let mut taken = 0;
    until("the rest comes", || {
        let popped: Vec<String> = redis.lpop("zitadel:events:normal", std::num::NonZeroUsize::new(10)).ok()?;
        taken += popped.len();
        (taken >= 200).then_some(())
    });
    assert_eq!((taken, redis.llen("zitadel:events:normal")), (200, Ok(0_u64)));
}

#[test]
fn servers_that_cannot_be_used_are_named() {
    let stage = Stage::new();
    let directory = stage.directory.path();
    let cluster = Redis::start(directory, &["--cluster-enabled", "yes"]);
    let guarded = Redis::start(directory, &["--requirepass", "secret"]);
    let sentinel = Redis::sentinel(directory, &[("other", guarded.port())], 1, "");
    let master = |sentinel: &str| {
        format!("redis: {{groups: {{main: {{master: group-0}}}}, sentinels: ['{sentinel}'], timeout: 1s}}\n")
    };
    for (name, redis, kind) in [
        ("cluster", target(&cluster), "cluster"),
        ("guarded", target(&guarded), "login"),
        ("nobody", master("127.0.0.1:1"), "sentinel"),
        ("stranger", master(&sentinel.address()), "sentinel"),
    ] {
        let config = stage.write_config(&format!("{name}.yaml"), &format!("{}{redis}", stage.source()));
        let text = fs::read_to_string(&config).expect("a configuration");
        // A lock cannot be had there, so the election asks an API server that gives its Lease to everybody.
        let lease = crate::support::generous_api_server(&stage);
        fs::write(&config, format!("{}{lease}", text.replace("election: {term: 2s}\n", ""))).expect("written");
        let bridge = Bridge::start(&config, "a");
        bridge.waits_for(&format!("blinkchamber_events_redis_errors_total{{kind=\"{kind}\"}}"));
    }
}

#[test]
fn groups_are_apart_and_talk_tls() {
    let stage = Stage::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let file = |name: &str, text: String| {
        fs::write(stage.file(name), text).expect("written");
        stage.file(name).display().to_string()
    };
    let (certificate, key) = (file("tls.crt", made.cert.pem()), file("tls.key", made.signing_key.serialize_pem()));
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let stranger = file("stranger.crt", other.cert.pem());
    let ports = [free_port(), free_port()].map(|port| port.to_string());
    let start = |port: &str| {
        let tls =
            ["--tls-port", port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
        Redis::start(stage.directory.path(), &tls)
    };
    let [mut urgent, others] = [&ports[0], &ports[1]].map(|port| start(port));
    let [first, second] = &ports;
    let redis = |authority: &str| {
        format!(
            "redis: {{groups: {{a: {{address: '127.0.0.1:{first}'}}, b: {{address: '127.0.0.1:{second}'}}}}, caFile: '{authority}'}}\n\
             queues: {{high: {{group: a}}, normal: {{group: b}}, low: {{group: b}}}}\n"
        )
    };
    // The lock is in the first group, which is about to die: a Lease in its place.
    let lease = crate::support::generous_api_server(&stage);
    let suspicious = stage.write_config("stranger.yaml", &format!("{}{}{lease}", stage.source(), redis(&stranger)));
    let bridge = Bridge::start(&suspicious, "s");
    bridge.waits_for("blinkchamber_events_redis_errors_total{kind=\"unreachable\"}");
    assert_eq!(bridge.metric("blinkchamber_events_claims_total"), 0.0, "a certificate of a stranger is not believed");
    drop(bridge);
    let config = stage.write_config("events.yaml", &format!("{}{}{lease}", stage.source(), redis(&certificate)));
    let bridge = Bridge::start(&config, "a");
    let database = stage.connect();
    stage.insert(&database, 0..90);
    until("the urgent ones are there", || (count(&mut client(urgent.port()), PREFIX) >= 30).then_some(()));
    until("the others are there", || (count(&mut client(others.port()), PREFIX) >= 60).then_some(()));
    urgent.kill();
    stage.insert(&database, 90..180);
    until("the others go on", || (count(&mut client(others.port()), PREFIX) >= 120).then_some(()));
    // It comes back with nothing at all: all is read again for it, and for it alone.
    urgent.again();
    until("all urgent ones are there", || (count(&mut client(urgent.port()), PREFIX) >= 60).then_some(()));
    assert_eq!((count(&mut client(urgent.port()), PREFIX), count(&mut client(others.port()), PREFIX)), (60, 120));
    assert!(bridge.metric("blinkchamber_events_claims_total") >= 3.0);
}
