//! Every credential of PostgreSQL and PgPool, replaced while clients write: they notice nothing.

use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::postgres::{Door, Login};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use super::Clients;
use super::cluster::{LIMIT, ask, primary, whole};

#[test]
fn the_servers_own_users_get_new_passwords_in_place() {
    let operator = Operator::login();
    let door = Door::new(&operator);
    let primary = primary();
    let before = value(&operator, "postgres", "superuser");
    let clients = Clients::start();
    for (path, key) in [
        ("postgres", "superuser"),
        ("postgres", "replication"),
        ("postgres", "rewind"),
        ("postgres", "restapi"),
        ("pgpool", "health"),
    ] {
        change(&operator, path, &[(key, &fresh(key))]);
    }
    let login = |password: &str| Login { user: "postgres".to_owned(), password: password.to_owned() };
    let after = value(&operator, "postgres", "superuser");
    wait::until("the superuser's new password is taken", LIMIT, || {
        door.ask(&login(&after), "postgres", "SELECT 1").map(drop)
    });
    assert!(door.ask(&login(&before), "postgres", "SELECT 1").is_err(), "the old one is refused");
    // Standbys log in again with the new one.
    ask(&primary, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication").expect("the standbys are cut off");
    wait::until("both standbys stream again", LIMIT, || {
        let count = ask(
            &primary,
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND usename = 'replicator'",
        )?;
        if count == "2" { Ok(()) } else { Err(count) }
    });
    whole();
    clients.go_on("clients write afterwards");
    assert_eq!(clients.finish("servers' users rotated"), [0, 0], "errors that clients saw");
}

#[test]
fn an_applications_two_users_take_turns() {
    let operator = Operator::login();
    let door = Door::new(&operator);
    let clients = Clients::start();
    for _ in 0..2 {
        let current = Login::of_the_moment(&operator);
        let idle = if current.user == "zitadel_a" { "b" } else { "a" };
        let next = Login { user: format!("zitadel_{idle}"), password: fresh(idle) };
        change(&operator, "zitadel/postgres", &[(idle, &next.password)]);
        wait::until("the idle user's new password is taken", LIMIT, || {
            door.ask(&next, "zitadel", "SELECT 1").map(drop)
        });
        change(&operator, "zitadel/postgres", &[("username", &next.user), ("password", &next.password)]);
        clients.go_on("clients write with the next user");
        assert_eq!(
            door.ask(&next, "zitadel", "SELECT current_user").as_deref(),
            Ok(&["zitadel".to_owned()][..]),
            "both act as the owner"
        );
        assert!(door.ask(&current, "zitadel", "SELECT 1").is_ok(), "the one before is still taken");
    }
    assert_eq!(clients.finish("application's users rotated"), [0, 0], "errors that clients saw");
}

#[test]
fn a_user_made_by_openbao_comes_through_pgpool_and_goes_with_its_lease() {
    let operator = Operator::login();
    let door = Door::new(&operator);
    let (status, lease) = operator.request("GET", "database/creds/zitadel", None);
    assert_eq!(status, 200, "{}", lease["errors"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let login = Login { user: text(&lease["data"]["username"]), password: text(&lease["data"]["password"]) };
    let statements = "CREATE TABLE made_by_a_guest (id int); INSERT INTO made_by_a_guest VALUES (1)";
    door.ask(&login, "zitadel", statements).expect("it may do what the application may");
    let wrong = Login { password: fresh("wrong"), ..login.clone() };
    assert!(door.ask(&wrong, "zitadel", "SELECT 1").is_err(), "not without its password");
    // A session that is open when the lease ends, ends with it.
    let open = {
        let (door, login) = (door.clone(), login.clone());
        std::thread::spawn(move || door.ask(&login, "zitadel", "SELECT pg_sleep(25)"))
    };
    let member = primary();
    wait::until("the session is open", LIMIT, || {
        let count = ask(&member, &format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", login.user))?;
        if count == "1" { Ok(()) } else { Err(count) }
    });
    operator.write("sys/leases/revoke", &json!({"lease_id": lease["lease_id"], "sync": true}));
    assert!(open.join().expect("the session ends").is_err(), "the open session was ended");
    assert!(door.ask(&login, "zitadel", "SELECT 1").is_err(), "the user is gone");
    let left = ask(&member, &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", login.user));
    assert_eq!(left.as_deref(), Ok("0"));
    let owner = Login::of_the_moment(&operator);
    door.ask(&owner, "zitadel", "DROP TABLE made_by_a_guest").expect("what it made belongs to the application");
}

/// A value that no generator makes twice.
fn fresh(what: &str) -> String {
    format!("{}{:032x}", what.replace(|letter: char| !letter.is_ascii_alphanumeric(), ""), fastrand::u128(..))
}

fn value(operator: &Operator, path: &str, key: &str) -> String {
    let data = operator.request("GET", &format!("secret/data/{path}"), None).1;
    data["data"]["data"][key].as_str().expect("the key is there").to_owned()
}

/// Writes keys of a secret beside those it has, on top of the version that was read.
#[track_caller]
fn change(operator: &Operator, path: &str, keys: &[(&str, &str)]) {
    let path = format!("secret/data/{path}");
    wait::until(&format!("write {path}"), Duration::from_secs(30), || {
        let now = operator.request("GET", &path, None).1;
        let mut data = now["data"]["data"].clone();
        for (key, value) in keys {
            data[*key] = json!(value);
        }
        let body = json!({"options": {"cas": now["data"]["metadata"]["version"]}, "data": data});
        let (status, answer) = operator.request("POST", &path, Some(&body));
        if status == 200 { Ok(()) } else { Err(format!("{status} {}", answer["errors"])) }
    });
}
