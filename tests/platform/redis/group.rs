//! The groups as their members and the Sentinels see them.

use std::collections::BTreeMap;
use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{get, is_ready, list};
use blinkchamber_tests::node::{Process, processes};
use blinkchamber_tests::redis::{Door, Login};
use blinkchamber_tests::wait;

pub(super) const NAMESPACE: &str = "database";
pub(super) const GROUPS: usize = 3;
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// Where clients find the master of a group.
pub(super) fn service(group: usize) -> String {
    if group == 0 { "redis-master.database.svc".to_owned() } else { format!("redis-group-{group}.database.svc") }
}

/// Both pods of a group.
pub(super) fn members(group: usize) -> [String; 2] {
    [format!("redis-master-{group}"), format!("redis-replica-{group}")]
}

/// Every pod with data, and the Sentinels.
pub(super) fn pods() -> Vec<String> {
    let servers = (0..GROUPS).flat_map(members);
    servers.chain((0..3).map(|sentinel| format!("redis-sentinel-{sentinel}"))).collect()
}

/// Asks a server, as anybody may.
pub(super) fn ask(door: &Door, pod: &str, words: &[&str]) -> Result<Vec<String>, String> {
    let port = if pod.starts_with("redis-sentinel") { 26379 } else { 6379 };
    door.open(&format!("{pod}.{NAMESPACE}.svc"), port, &Login::health())?.call(words)
}

/// `INFO replication` of a server.
pub(super) fn replication(door: &Door, pod: &str) -> Result<BTreeMap<String, String>, String> {
    let answer = ask(door, pod, &["INFO", "replication"])?.concat();
    Ok(answer.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.into(), value.into())).collect())
}

/// The pod that a Sentinel names as master of a group.
pub(super) fn named(door: &Door, sentinel: &str, group: usize) -> Result<String, String> {
    let answer = ask(door, sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &format!("group-{group}")])?;
    let address = answer.first().ok_or("it names nobody")?;
    let known =
        members(group).into_iter().find(|pod| door.address(&format!("{pod}.{NAMESPACE}.svc")).to_string() == *address);
    known.ok_or_else(|| format!("it names {address}"))
}

/// The pod that is master of a group now.
#[track_caller]
pub(super) fn master(door: &Door, group: usize) -> String {
    wait::until(&format!("group {group} has a master"), LIMIT, || whole_group(door, group))
}

/// The master, when it has its replica and all Sentinels name it.
fn whole_group(door: &Door, group: usize) -> Result<String, String> {
    let mut masters = Vec::new();
    for pod in members(group) {
        let state = replication(door, &pod).map_err(|error| format!("{pod}: {error}"))?;
        let has = |key: &str, value: &str| state.get(key).is_some_and(|found| found == value);
        if has("role", "master") && has("connected_slaves", "1") {
            masters.push(pod);
        } else if !has("role", "slave") || !has("master_link_status", "up") {
            return Err(format!("{pod}: {state:?}"));
        }
    }
    let [master] = masters.as_slice() else { return Err(format!("masters: {masters:?}")) };
    for sentinel in 0..3 {
        let sentinel = format!("redis-sentinel-{sentinel}");
        let named = named(door, &sentinel, group).map_err(|error| format!("{sentinel}: {error}"))?;
        if named != *master {
            return Err(format!("{sentinel} names {named}, not {master}"));
        }
    }
    Ok(master.clone())
}

/// Waits until every pod is Ready and every group has its master and its replica.
#[track_caller]
pub(super) fn whole() {
    let door = Door::new(&Operator::login());
    wait::until("all pods are Ready", LIMIT, || {
        let late = pods().into_iter().find(|pod| !get(NAMESPACE, "pod", pod).is_ok_and(|pod| is_ready(&pod)));
        late.map_or(Ok(()), Err)
    });
    wait::until("all of HAProxy is Ready", LIMIT, || {
        let pods = list(NAMESPACE, "pod", "app.kubernetes.io/component=redis-haproxy");
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        if ready == 2 && pods.len() == 2 { Ok(()) } else { Err(format!("{ready} of {}", pods.len())) }
    });
    for group in 0..GROUPS {
        master(&door, group);
    }
}

/// The server process of a pod.
#[track_caller]
pub(super) fn server(pod: &str) -> Process {
    started(pod).unwrap_or_else(|error| panic!("{error}"))
}

/// The server process of a pod, which may be just starting.
pub(super) fn started(pod: &str) -> Result<Process, String> {
    let object = get(NAMESPACE, "pod", pod)?;
    // Redis writes its address into its command line.
    let name = if pod.starts_with("redis-sentinel") { "[sentinel]" } else { "redis-server " };
    let all = processes(object["metadata"]["uid"].as_str().ok_or("a pod without a uid")?);
    all.into_iter().find(|process| process.command.contains(name)).ok_or_else(|| format!("{pod} runs no {name}"))
}
