//! What Patroni says of its members.

use std::time::{Duration, Instant};

use blinkchamber_tests::cluster::{get, is_ready, try_kubectl};
use blinkchamber_tests::wait;
use serde_json::Value;

pub(super) const NAMESPACE: &str = "database";
pub(super) const MEMBERS: [&str; 3] = ["postgresql-0", "postgresql-1", "postgresql-2"];

/// Longer than any repair takes on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

/// Runs a command in a member's container.
pub(super) fn exec(pod: &str, command: &[&str]) -> Result<String, String> {
    let mut arguments = vec!["exec", "-n", NAMESPACE, pod, "-c", "postgresql", "--"];
    arguments.extend(command);
    try_kubectl(&arguments, "")
}

/// Asks a member's server as its superuser, over the socket.
pub(super) fn ask(pod: &str, question: &str) -> Result<String, String> {
    let answer =
        exec(pod, &["psql", "-XAt", "-h", "/run/postgresql", "-U", "postgres", "-d", "postgres", "-c", question])?;
    Ok(answer.trim().to_owned())
}

/// What a member knows of all members.
pub(super) fn members(asked: &str) -> Result<Vec<Value>, String> {
    let text = exec(asked, &["patronictl", "-c", "/vault/secrets/patroni.yml", "list", "-f", "json"])?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The primary, as a member that is not `except` sees it.
#[track_caller]
pub(super) fn primary_besides(except: &str) -> String {
    let found = |role: &Value| role == "Leader";
    wait::until("there is a primary", LIMIT, || {
        let asked = MEMBERS.iter().find(|name| **name != except).ok_or("nobody to ask")?;
        let members = members(asked)?;
        let leader = members.iter().find(|member| found(&member["Role"]) && member["State"] == "running");
        let name = leader.and_then(|member| member["Member"].as_str()).ok_or_else(|| format!("{members:?}"))?;
        if name == except { Err(format!("it is still {name}")) } else { Ok(name.to_owned()) }
    })
}

/// The primary.
#[track_caller]
pub(super) fn primary() -> String {
    whole();
    primary_besides("")
}

/// Waits until one member is the primary, all others stream from it, and every pod is Ready.
#[track_caller]
pub(super) fn whole() {
    let start = Instant::now();
    wait::until("all members are there", LIMIT, || {
        let members = members(MEMBERS[0]).or_else(|_| members(MEMBERS[1]))?;
        let count = |state: &str| members.iter().filter(|member| member["State"] == state).count();
        let timelines: std::collections::BTreeSet<String> =
            members.iter().map(|member| member["TL"].to_string()).collect();
        if (count("running"), count("streaming"), timelines.len()) != (1, 2, 1) {
            return Err(format!("{members:?}"));
        }
        for pod in MEMBERS {
            if !is_ready(&get(NAMESPACE, "pod", pod)?) {
                return Err(format!("{pod} is not ready"));
            }
        }
        Ok(())
    });
    println!("all members are there after {:.1} s more", start.elapsed().as_secs_f32());
}

/// Identity of the data: the same as long as nobody began anew.
#[track_caller]
pub(super) fn identity(pod: &str) -> String {
    wait::until("the server answers", LIMIT, || ask(pod, "SELECT system_identifier FROM pg_control_system()"))
}
