//! What ends, and what clients see of it.

use std::time::Instant;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{get, kubectl, list};
use blinkchamber_tests::load::Session;
use blinkchamber_tests::network::Cut;
use blinkchamber_tests::redis::{Door, Password, Writer};
use blinkchamber_tests::wait;

use super::Clients;
use super::group::{GROUPS, LIMIT, NAMESPACE, master, members, named, pods, replication, server, service, whole};

#[test]
fn a_master_that_ends_in_any_way_takes_no_confirmed_write_with_it() {
    whole();
    let door = Door::new(&Operator::login());
    let clients = Clients::start(&[Session::Kept]);
    for group in 0..GROUPS {
        let deleted = master(&door, group);
        let start = Instant::now();
        kubectl(&["delete", "pod", "-n", NAMESPACE, &deleted, "--wait=false"]);
        clients.go_on("writes after the master's pod was deleted");
        println!("group {group}: {deleted} deleted, written again after {:.1} s", start.elapsed().as_secs_f64());
    }
    whole();
    for report in clients.finish("masters deleted") {
        assert_eq!(report.lost.0, 0, "a master that is told to end waits for its replica");
    }

    let clients = Clients::start(&[Session::Kept]);
    for group in 0..GROUPS {
        let killed = master(&door, group);
        let start = Instant::now();
        server(&killed).kill();
        clients.go_on("writes after the master was killed");
        println!("group {group}: {killed} killed, written again after {:.1} s", start.elapsed().as_secs_f64());
        wait::until("another is the master", LIMIT, || match master(&door, group) {
            name if name == killed => Err(format!("{name} again")),
            _ => Ok(()),
        });
    }
    whole();
    clients.finish("masters killed");
}

#[test]
fn a_master_that_nobody_reaches_is_replaced_and_takes_no_writes_when_it_is_back() {
    whole();
    let door = Door::new(&Operator::login());
    let cut_off = master(&door, 0);
    let clients = Clients::start(&[Session::Kept, Session::Fresh]);
    let process = server(&cut_off);
    let network = Cut::off(process.pid);
    let successor = wait::until("the Sentinels name another", LIMIT, || match named(&door, "redis-sentinel-0", 0)? {
        name if name == cut_off => Err(format!("{name} still")),
        name => Ok(name),
    });
    clients.go_on("writes to the successor");
    // By itself, while it is alone: nobody can tell it, and it may be reached before the Sentinels do.
    let rule = |words: &str| {
        kubectl(&["exec", "-n", NAMESPACE, &cut_off, "-c", "redis", "--", "sh", "-c", &format!("redis-cli {words}")])
    };
    wait::until("the one that is cut off refuses writes", LIMIT, || match rule("SET refused 1 2>&1 || true") {
        answer if answer.contains("NOREPLICAS") => Ok(()),
        answer => Err(answer),
    });
    drop(network);
    wait::until("the one that is back follows", LIMIT, || {
        let state = replication(&door, &cut_off)?;
        if state.get("role").is_some_and(|role| role == "slave") { Ok(()) } else { Err(format!("{state:?}")) }
    });
    whole();
    assert_eq!(master(&door, 0), successor, "and the successor stays");
    clients.finish("master cut off");
}

#[test]
fn pods_that_end_in_turn_and_all_at_once_lose_nothing() {
    whole();
    let clients = Clients::start(&[Session::Kept]);
    server("redis-sentinel-0").kill();
    clients.go_on("writes after a Sentinel was killed");
    whole();
    let proxies = list(NAMESPACE, "pod", "app.kubernetes.io/component=redis-haproxy");
    let proxies = proxies.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned);
    for pod in pods().into_iter().chain(proxies) {
        kubectl(&["delete", "pod", "-n", NAMESPACE, &pod, "--wait=false"]);
        clients.go_on(&format!("writes after {pod} was deleted"));
        whole();
    }
    for report in clients.finish("each pod deleted in turn") {
        assert_eq!(report.lost.0, 0, "each had time to hand on what it had");
    }

    // Power loss: nobody is told to end.
    let clients = Clients::start(&[Session::Kept]);
    let start = Instant::now();
    delete_all();
    clients.go_on("writes after all pods were deleted");
    println!("all pods deleted at once, written again after {:.1} s", start.elapsed().as_secs_f64());
    whole();
    clients.finish("all pods deleted at once");
}

#[test]
fn the_younger_data_wins_when_everything_was_gone() {
    whole();
    let door = Door::new(&Operator::login());
    // The side that is not where a first start looks for the master.
    let [first, second] = members(0);
    if master(&door, 0) == second {
        server(&second).kill();
        wait::until("the first pod is the master", LIMIT, || match master(&door, 0) {
            name if name == first => Ok(()),
            name => Err(name),
        });
    }
    let network = Cut::off(server(&first).pid);
    wait::until("the Sentinels name the other", LIMIT, || match named(&door, "redis-sentinel-0", 0)? {
        name if name == second => Ok(()),
        name => Err(name),
    });
    wait::until("which is recorded", LIMIT, || {
        let map = get(NAMESPACE, "configmap", "redis-topology")?;
        let recorded = map["data"]["group-0"].as_str().unwrap_or_default();
        if recorded.contains(&second) { Ok(()) } else { Err(recorded.to_owned()) }
    });
    let password = Password::follow("redis/app", "app");
    let writer = Writer::start(&door, &service(0), Session::Kept, &password);
    writer.goes_on("writes that only the second pod has");
    writer.goes_on("more of them");
    delete_all();
    drop(network);
    whole();
    assert_eq!(master(&door, 0), second, "it has the younger data");
    let report = writer.finish();
    println!("everything gone, younger data on the replica's side: {}", report.line());
    assert_eq!(report.lost.0, 0, "not even what no replica had confirmed");
}

/// Without a word to any of them.
#[track_caller]
fn delete_all() {
    let pods = pods();
    let mut words = vec!["delete", "pod", "-n", NAMESPACE, "--grace-period=0", "--force"];
    words.extend(pods.iter().map(String::as_str));
    kubectl(&words);
}
