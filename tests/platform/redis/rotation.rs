//! Every user's password, replaced while clients work.

use std::fs;
use std::time::Instant;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{get, kubectl};
use blinkchamber_tests::load::Session;
use blinkchamber_tests::redis::{Door, Login};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use super::Clients;
use super::group::{GROUPS, LIMIT, NAMESPACE, ask, master, members, server, started, whole};

/// User, its secret, the groups that know it, and whether the Sentinels do.
const USERS: [(&str, &str, &[usize], bool); 7] = [
    ("admin", "redis", &[0, 1, 2], true),
    ("replica", "redis", &[0, 1, 2], false),
    ("sentinel", "redis", &[0, 1, 2], false),
    ("peers", "redis", &[], true),
    ("zitadel", "redis/zitadel", &[0], false),
    ("events", "redis/events", &[1, 2], false),
    ("app", "redis/app", &[0, 1, 2], false),
];

#[test]
fn every_password_is_replaced_without_an_error_of_any_client() {
    whole();
    let operator = Operator::login();
    let door = Door::new(&operator);
    let restarts = restarts();
    let clients = Clients::start(&[Session::Kept, Session::Fresh]);
    let users = USERS.map(|(user, secret, groups, sentinels)| (user, secret, servers(groups, sentinels)));
    let start = Instant::now();
    for ((user, _, servers), (old, new)) in users.iter().zip(replace(&operator, &door, &users)) {
        for server in servers {
            log_in(&door, server, &new).unwrap_or_else(|error| panic!("{server} refuses the new password: {error}"));
            let refused = log_in(&door, server, &old).expect_err("the old password is refused");
            assert!(refused.contains("WRONGPASS"), "{user}: {server}: {refused}");
        }
    }
    println!("all passwords replaced after {:.1} s", start.elapsed().as_secs_f64());
    clients.go_on("writes after every password was replaced");
    // Links made anew must find the new passwords.
    for group in 0..GROUPS {
        let admin = Login::of_the_moment(&operator, "redis", "admin");
        let host = format!("{}.{NAMESPACE}.svc", master(&door, group));
        door.open(&host, 6379, &admin)
            .and_then(|mut link| link.call(&["CLIENT", "KILL", "TYPE", "replica"]))
            .expect("done");
    }
    whole();
    for report in clients.finish("every password replaced") {
        assert_eq!(report.seen.failures(), 0, "{:?}", report.seen.errors);
        assert_eq!(report.lost.0, 0);
    }
    assert_eq!(self::restarts(), restarts, "nothing was started again");
}

#[test]
fn what_the_server_rewrites_never_brings_an_old_password_back() {
    whole();
    let operator = Operator::login();
    let door = Door::new(&operator);
    // A server that was killed and is not back yet has none.
    let files = || {
        let read = |pod: String| {
            let file = started(&pod)?.path("/run/redis/redis.conf");
            fs::read_to_string(file).map_err(|error| format!("{pod}: {error}"))
        };
        members(0).into_iter().map(read).collect::<Result<Vec<_>, String>>()
    };
    // A failover makes the server write its file, with the password of the moment in clear.
    fail_over(&operator, &door);
    let before = Login::of_the_moment(&operator, "redis", "replica");
    assert!(files().expect("both run").iter().any(|file| file.contains(&before.password)), "the server wrote its file");
    let replaced = replace(&operator, &door, &[("replica", "redis", servers(&[0, 1, 2], false))]);
    let [(old, new)] = replaced.as_slice() else { panic!("one password was replaced") };
    assert_eq!(old.password, before.password);
    fail_over(&operator, &door);
    for pod in members(0) {
        server(&pod).kill();
    }
    wait::until("both are started again, without the old password anywhere", LIMIT, || {
        let files = files()?;
        if files.iter().any(|file| file.contains(&old.password)) { Err("it is still there".to_owned()) } else { Ok(()) }
    });
    whole();
    for pod in members(0) {
        assert!(log_in(&door, &pod, old).is_err(), "{pod} takes the old password");
        log_in(&door, &pod, new).unwrap_or_else(|error| panic!("{pod} refuses the new password: {error}"));
    }
}

#[test]
fn a_client_has_its_own_keys_and_nothing_else() {
    whole();
    let operator = Operator::login();
    let door = Door::new(&operator);
    let denied = |secret: &str, user: &str, group: usize, words: &[&str]| {
        let host = format!("{}.{NAMESPACE}.svc", master(&door, group));
        let login = Login::of_the_moment(&operator, secret, user);
        let answer = door.open(&host, 6379, &login).and_then(|mut connection| connection.call(words));
        let error = answer.expect_err("it is refused");
        assert!(error.contains("NOPERM") || error.contains("WRONGPASS"), "{user} {words:?}: {error}");
    };
    denied("redis/app", "app", 0, &["GET", "zitadel:events:high"]);
    denied("redis/app", "app", 0, &["CONFIG", "GET", "masterauth"]);
    denied("redis/events", "events", 1, &["GET", "app:x"]);
    denied("redis/events", "events", 0, &["PING"]);
    denied("redis/zitadel", "zitadel", 1, &["PING"]);
    denied("redis/zitadel", "zitadel", 0, &["ACL", "LIST"]);
    denied("redis", "replica", 0, &["GET", "app:x"]);
    denied("redis", "sentinel", 0, &["GET", "app:x"]);
    for pod in ["redis-master-0", "redis-sentinel-0"] {
        let error = ask(&door, pod, &["CLIENT", "LIST"]).expect_err("anybody may ask for the health only");
        assert!(error.contains("NOPERM"), "{error}");
    }
    let known = operator.request("GET", "sys/policies/acl/redis-haproxy-policy", None).1.to_string();
    assert!(!known.contains("secret/"), "HAProxy may read no password: {known}");
    // People in a pod are led to the group that keeps a list.
    let list = format!("zitadel:events:test-{}", fastrand::u32(..));
    let login = Login::of_the_moment(&operator, "redis/events", "events");
    let events = |words: &[&str]| {
        wait::until("events may use its own keys", LIMIT, || {
            door.open("redis-group-2.database.svc", 6379, &login)?.call(words)
        })
    };
    events(&["SET", &list, "one"]);
    let seen = kubectl(&["exec", "-n", NAMESPACE, "redis-master-0", "--", "redis-cli", "GET", &list]);
    assert_eq!(seen.trim(), "one");
    events(&["DEL", &list]);
}

/// Replaces passwords in the three steps of an overlap, each no sooner than all servers are with it; gives old and new.
#[track_caller]
fn replace(operator: &Operator, door: &Door, users: &[(&str, &str, Vec<String>)]) -> Vec<(Login, Login)> {
    let write = |secret: &str, changes: Value| {
        let mut now = operator.request("GET", &format!("secret/data/{secret}"), None).1["data"]["data"].clone();
        for (key, value) in changes.as_object().expect("an object") {
            now[key] = value.clone();
        }
        now.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        operator.put(secret, &now);
        // A standby may not have heard of it, and the next change must not undo it.
        wait::until("the secret is what was written", LIMIT, || {
            let found = operator.request("GET", &format!("secret/data/{secret}"), None).1["data"]["data"].clone();
            if found == now { Ok(()) } else { Err("not yet".to_owned()) }
        });
    };
    let renewed: Vec<_> = users
        .iter()
        .map(|(user, secret, _)| {
            let old = Login::of_the_moment(operator, secret, user);
            let new = Login { user: (*user).to_owned(), password: format!("{:032x}", fastrand::u128(..)) };
            write(secret, json!({format!("{user}-previous"): new.password}));
            (old, new)
        })
        .collect();
    for ((_, _, servers), (_, new)) in users.iter().zip(&renewed) {
        everywhere(door, servers, new, true);
    }
    for ((user, secret, _), (old, new)) in users.iter().zip(&renewed) {
        write(secret, json!({*user: new.password, format!("{user}-previous"): old.password}));
    }
    // Agents of clients look every two seconds; the servers' own links go over to it too.
    std::thread::sleep(std::time::Duration::from_secs(6));
    for (user, secret, _) in users {
        write(secret, json!({format!("{user}-previous"): null}));
    }
    for ((_, _, servers), (old, _)) in users.iter().zip(&renewed) {
        everywhere(door, servers, old, false);
    }
    renewed
}

#[track_caller]
fn everywhere(door: &Door, servers: &[String], login: &Login, taken: bool) {
    for server in servers {
        wait::until(&format!("{server}: the password of {} is taken: {taken}", login.user), LIMIT, || {
            match log_in(door, server, login) {
                Ok(()) if taken => Ok(()),
                Err(error) if !taken && error.contains("WRONGPASS") => Ok(()),
                Ok(()) => Err("it is taken".to_owned()),
                Err(error) => Err(error),
            }
        });
    }
}

fn log_in(door: &Door, pod: &str, login: &Login) -> Result<(), String> {
    let port = if pod.starts_with("redis-sentinel") { 26379 } else { 6379 };
    door.open(&format!("{pod}.{NAMESPACE}.svc"), port, login).map(drop)
}

fn servers(groups: &[usize], sentinels: bool) -> Vec<String> {
    let sentinels = (0..if sentinels { 3 } else { 0 }).map(|sentinel| format!("redis-sentinel-{sentinel}"));
    groups.iter().flat_map(|group| members(*group)).chain(sentinels).collect()
}

/// Makes the replica of group 0 its master, as an operator would.
#[track_caller]
fn fail_over(operator: &Operator, door: &Door) {
    let before = master(door, 0);
    let admin = Login::of_the_moment(operator, "redis", "admin");
    wait::until("the failover begins", LIMIT, || {
        let mut sentinel = door.open("redis-sentinel-0.database.svc", 26379, &admin)?;
        sentinel.call(&["SENTINEL", "FAILOVER", "group-0"])
    });
    wait::until("the other is the master", LIMIT, || match master(door, 0) {
        name if name == before => Err(name),
        _ => Ok(()),
    });
}

fn restarts() -> Vec<i64> {
    let count = |pod: String| {
        let pod = get(NAMESPACE, "pod", &pod).expect("the pod");
        let statuses = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
        statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum()
    };
    super::group::pods().into_iter().map(count).collect()
}
