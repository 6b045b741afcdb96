//! The whole platform on the node: how long it takes to come, what it needs, and how long clients wait when something ends.

use std::fs;
use std::time::{Duration, Instant};

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::bao::writer::Writer;
use blinkchamber_tests::cluster::{self, PLATFORM, kubectl, uid};
use blinkchamber_tests::load::{Seen, Session};
use blinkchamber_tests::node::{Process, process, processes};
use blinkchamber_tests::{postgres, redis};
use serde_json::Value;

use crate::agent;
use crate::table::{Peer, Table};

/// Time for everything to come to rest.
const REST: Duration = Duration::from_secs(60);

/// Adds the platform's rows. Installs it, in the place of whatever is there.
pub(crate) fn measure(table: &mut Table) {
    deploy(&["uninstall", "--yes"]);
    let start = Instant::now();
    install();
    table.less("platform, install to all Ready, without ingress", "s", Peer::None, start.elapsed().as_secs_f64());
    std::thread::sleep(REST);
    memory(table);
    failures(table);
    let start = Instant::now();
    deploy(&["rotate", "zitadel-database"]);
    table.less("platform, rotation of a database user, end to end", "s", Peer::None, start.elapsed().as_secs_f64());
}

/// What all pods of the platform have in memory when they have nothing to do: the proportional set size.
fn memory(table: &mut Table) {
    let (mut all, mut agents, mut count) = (0.0, 0.0, 0.0);
    let pods = kubectl(&["get", "pods", "-A", "-l", "app.kubernetes.io/part-of=blinkchamber-platform", "-o", "json"]);
    let pods: Value = serde_json::from_str(&pods).expect("kubectl prints JSON");
    for pod in pods["items"].as_array().into_iter().flatten() {
        for process in processes(pod["metadata"]["uid"].as_str().expect("a uid")) {
            let memory = proportional(&process);
            all += memory;
            if process.command.contains("blinkchamber-agent") {
                agents += memory;
                count += 1.0;
            }
        }
    }
    table.less("platform, memory of all pods at rest", "MB", Peer::None, all);
    table.less("platform, memory of their agents", "MB", Peer::Live(agent::peer_memory() * count), agents);
    table.note(format!(
        "The platform runs {count} agents. The peer's figure is that many times the memory of one `bao agent` with one \
         template, measured in this run."
    ));
}

/// In MB; 0 when the process is gone.
fn proportional(process: &Process) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

/// The longest pause of a client that writes 50 times a second.
fn failures(table: &mut Table) {
    let operator = Operator::login();
    let door = postgres::Door::new(&operator);
    let login = postgres::Login::of_the_moment(&operator);
    let primary = endpoint("database", "postgresql-primary");
    let writer = postgres::Writer::start(&door, Session::Kept, move || login.clone());
    postgres::kill_member(&primary);
    writer.goes_on("rows are written again");
    table.less(
        "PostgreSQL's primary killed in place: longest pause of a client",
        "s",
        Peer::None,
        pause(&writer.finish(None)),
    );
    settle("database", &["postgresql-0", "postgresql-1", "postgresql-2"]);

    let login = postgres::Login::of_the_moment(&operator);
    let writer = postgres::Writer::start(&door, Session::Kept, move || login.clone());
    kubectl(&["delete", "pod", "-n", "database", &endpoint("database", "postgresql-primary"), "--wait=false"]);
    writer.goes_on("rows are written again");
    table.less("PostgreSQL's primary deleted: longest pause of a client", "s", Peer::None, pause(&writer.finish(None)));
    settle("database", &["postgresql-0", "postgresql-1", "postgresql-2"]);

    let password = redis::Password::follow("redis/app", "app");
    let door = redis::Door::new(&operator);
    let writer = redis::Writer::start(&door, "redis-group-1.database.svc", Session::Kept, &password);
    // Of a fresh install.
    process(&uid("database", "redis-master-1"), "redis-server ").kill();
    writer.goes_on("numbers are pushed again");
    table.less("Redis master killed: longest pause of a client", "s", Peer::None, pause(&writer.finish().seen));

    let leader = operator.request("GET", "sys/leader", None).1;
    let address = leader["leader_address"].as_str().unwrap_or_default().trim_start_matches("https://").to_owned();
    let leader = address.split('.').next().unwrap_or_default();
    let writer = Writer::start();
    process(&uid(PLATFORM, leader), "bao server").kill();
    writer.goes_on("secrets are written again");
    let seen = writer.finish("OpenBao's leader killed");
    table.less("OpenBao's leader killed: longest pause of a client", "s", Peer::None, pause(&seen));
}

fn pause(seen: &Seen) -> f64 {
    eprintln!("{} acknowledged, {}", seen.acknowledged.len(), seen.troubles());
    seen.gap.as_secs_f64()
}

fn settle(namespace: &str, pods: &[&str]) {
    let mut words = vec!["wait", "--for=condition=Ready", "--timeout=300s", "-n", namespace, "pod"];
    words.extend(pods);
    std::thread::sleep(Duration::from_secs(5));
    kubectl(&words);
    std::thread::sleep(Duration::from_secs(20));
}

/// The pod behind a service that has one.
fn endpoint(namespace: &str, service: &str) -> String {
    let slices = kubectl(&[
        "get",
        "endpointslices",
        "-n",
        namespace,
        "-l",
        &format!("kubernetes.io/service-name={service}"),
        "-o",
        "jsonpath={.items[0].endpoints[0].targetRef.name}",
    ]);
    slices.trim().to_owned()
}

/// With everything that was said, when it does not go well.
fn deploy(words: &[&str]) {
    let (ok, said) = cluster::deploy(words);
    assert!(ok, "{words:?}: {said}");
}

fn install() {
    let seal = std::env::var("BLINKCHAMBER_SEAL").expect("BLINKCHAMBER_SEAL: tests/bench.sh says where the key is");
    let key = format!("vault.server.seal.static.keyVolume.hostPath.path={seal}");
    deploy(&["install", "-f", "tests/values-platform.yaml", "--set", "nginx-ingress.enabled=false", "--set", &key]);
}
