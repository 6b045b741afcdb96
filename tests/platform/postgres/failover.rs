//! What ends, and what clients see of it.

use blinkchamber_tests::cluster::{get, is_ready, kubectl, list, uid};
use blinkchamber_tests::network::Cut;
use blinkchamber_tests::node::process;
use blinkchamber_tests::postgres::kill_member;
use blinkchamber_tests::wait;
use serde_json::Value;

use super::Clients;
use super::cluster::{LIMIT, MEMBERS, NAMESPACE, ask, primary, primary_besides, whole};

#[test]
fn a_primary_that_ends_in_any_way_takes_no_acknowledged_row_with_it() {
    let clients = Clients::start();
    let deleted = primary();
    kubectl(&["delete", "pod", "-n", NAMESPACE, &deleted, "--wait=false"]);
    clients.go_on("clients write after the primary's pod was deleted");
    let killed = primary();
    kill_member(&killed);
    clients.go_on("clients write after the primary's processes were killed");
    whole();
    clients.finish("primary deleted, then killed");
}

#[test]
fn a_primary_that_nobody_reaches_is_replaced_and_gives_up() {
    let cut_off = primary();
    let clients = Clients::start();
    let network = Cut::off(process(&uid(NAMESPACE, &cut_off), "postgresql.sh").pid);
    let successor = primary_besides(&cut_off);
    assert_ne!(successor, cut_off);
    clients.go_on("clients write to the successor");
    wait::until("the one that is cut off is no primary any more", LIMIT, || {
        // Its server may be stopped: then nobody can write to it either.
        match ask(&cut_off, "SELECT pg_is_in_recovery()") {
            Ok(answer) if answer == "f" => Err("it still takes writes".to_owned()),
            _ => Ok(()),
        }
    });
    drop(network);
    whole();
    assert_eq!(primary(), successor, "the one that comes back follows");
    clients.finish("primary cut off");
}

#[test]
fn a_pgpool_that_is_killed_is_noticed_by_its_own_sessions_only() {
    let clients = Clients::start();
    let pods = list(NAMESPACE, "pod", "app.kubernetes.io/component=pgpool");
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().expect("a name");
        process(&uid(NAMESPACE, name), "pgpool -n").kill();
        clients.go_on("clients write after a PgPool was killed");
        wait::until("the killed PgPool is back", LIMIT, || {
            let pod = get(NAMESPACE, "pod", name)?;
            let restarts = restarts(&pod);
            if is_ready(&pod) && restarts > 0 { Ok(()) } else { Err(format!("{restarts} restarts, {}", pod["status"])) }
        });
    }
    assert!(pods.len() > 1, "more than one PgPool");
    clients.finish("each PgPool killed");
}

#[test]
fn members_deleted_in_turn_and_all_at_once_come_back_with_every_row() {
    let clients = Clients::start();
    for pod in MEMBERS {
        kubectl(&["delete", "pod", "-n", NAMESPACE, pod, "--wait=false"]);
        clients.go_on("clients write after a member was deleted");
        whole();
    }
    // Power loss: nobody is told to end.
    let mut everything = vec!["delete", "pod", "-n", NAMESPACE, "--grace-period=0", "--force"];
    everything.extend(MEMBERS);
    kubectl(&everything);
    clients.go_on("clients write after all members were deleted");
    whole();
    clients.finish("each member deleted in turn, then all at once");
}

fn restarts(pod: &Value) -> i64 {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    statuses.filter_map(|status| status["restartCount"].as_i64()).sum()
}
