//! The members as they see themselves.

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{PLATFORM, get, is_ready, uid};
use blinkchamber_tests::node::{Process, process};
use blinkchamber_tests::wait;

pub(super) use blinkchamber_tests::bao::writer::LIMIT;
/// Members of the platform.
pub(super) const MEMBERS: [&str; 3] = ["vault-0", "vault-1", "vault-2"];

/// The pod that leads.
#[track_caller]
pub(super) fn leader() -> String {
    let operator = Operator::login();
    wait::until("a member leads", LIMIT, || {
        let (status, answer) = operator.try_request("GET", "sys/leader", None)?;
        let address = answer["leader_address"].as_str().unwrap_or_default();
        let name = address.trim_start_matches("https://").split('.').next().unwrap_or_default();
        if status == 200 && MEMBERS.contains(&name) { Ok(name.to_owned()) } else { Err(answer.to_string()) }
    })
}

/// The pod that leads, once it is another.
#[track_caller]
pub(super) fn leader_besides(before: &str) -> String {
    wait::until("another member leads", LIMIT, || match leader() {
        name if name == before => Err(name),
        name => Ok(name),
    })
}

/// The server process of a member.
#[track_caller]
pub(super) fn server(pod: &str) -> Process {
    process(&uid(PLATFORM, pod), "bao server")
}

/// Waits until every member is Ready and a voter of the same cluster; gives the cluster's id.
#[track_caller]
pub(super) fn whole() -> String {
    wait::until("all members are Ready", LIMIT, || {
        let late = MEMBERS.iter().find(|pod| !get(PLATFORM, "pod", pod).is_ok_and(|pod| is_ready(&pod)));
        late.map_or(Ok(()), |pod| Err((*pod).to_owned()))
    });
    let operator = Operator::login();
    wait::until("all members are voters and healthy", LIMIT, || {
        let (_, state) = operator.try_request("GET", "sys/storage/raft/autopilot/state", None)?;
        let servers = state["data"]["servers"].as_object().cloned().unwrap_or_default();
        let healthy = servers.values().filter(|server| {
            server["healthy"] == true && ["voter", "leader"].iter().any(|status| server["status"] == *status)
        });
        if healthy.count() == MEMBERS.len() && servers.len() == MEMBERS.len() { Ok(()) } else { Err(state.to_string()) }
    });
    let (_, health) = operator.request("GET", "sys/health?standbyok=true", None);
    health["cluster_id"].as_str().expect("a cluster has an id").to_owned()
}
