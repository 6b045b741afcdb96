//! Volumes that are lost, and a restore to a moment.

use std::time::Duration;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::cluster::{deploy, kubectl, try_kubectl};
use blinkchamber_tests::postgres::{Door, Login};
use blinkchamber_tests::wait;

use super::Clients;
use super::cluster::{LIMIT, MEMBERS, NAMESPACE, ask, identity, primary, whole};

#[test]
fn a_member_whose_volume_is_lost_joins_the_same_cluster_again() {
    let before = identity(&primary());
    let clients = Clients::start();
    // The primary's and with it its log: the worst one.
    let lost = primary();
    kubectl(&["delete", "pvc", "-n", NAMESPACE, &format!("data-{lost}"), "--wait=false"]);
    kubectl(&["delete", "pod", "-n", NAMESPACE, &lost, "--wait=true"]);
    clients.go_on("clients write after a volume was lost");
    whole();
    for pod in MEMBERS {
        assert_eq!(identity(pod), before, "{pod} is of the same cluster");
    }
    clients.finish("a volume lost");
}

#[test]
fn the_cluster_goes_back_to_a_moment() {
    let operator = Operator::login();
    let door = Door::new(&operator);
    let ask_as_application = |statements: &str| door.ask(&Login::of_the_moment(&operator), "zitadel", statements);
    wait::until("there is a backup", Duration::from_secs(300), || {
        let info = backup(&["info", "--output=json"])?;
        if info.contains("\"type\":\"full\"") { Ok(()) } else { Err(info) }
    });
    ask_as_application(
        "DROP TABLE IF EXISTS history; CREATE TABLE history (what text); INSERT INTO history VALUES ('before')",
    )
    .expect("history begins");
    std::thread::sleep(Duration::from_secs(2));
    let moment = ask(&primary(), "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') || '+00'")
        .expect("the time");
    std::thread::sleep(Duration::from_secs(2));
    ask_as_application("DELETE FROM history; INSERT INTO history VALUES ('mistake')").expect("the mistake is made");
    ask(&primary(), "SELECT pg_switch_wal()").expect("the log goes on");
    wait::until("the log is in the repository", LIMIT, || {
        let waiting = ask(&primary(), "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")?;
        if waiting == "0" { Ok(()) } else { Err(format!("{waiting} files wait")) }
    });
    let (ok, said) = deploy(&["restore-database", &moment, "--yes"]);
    assert!(ok, "{said}");
    whole();
    let found = wait::until("applications are served", LIMIT, || ask_as_application("SELECT what FROM history"));
    assert_eq!(found, ["before"], "what was there at {moment}, and nothing of later");
    // Users have the passwords of now, whatever they were then; and the backups go on.
    let login = Login { user: "postgres".to_owned(), password: superuser(&operator) };
    wait::until("the superuser's password is the one of now", LIMIT, || {
        door.ask(&login, "postgres", "SELECT 1").map(drop)
    });
    ask(&primary(), "SELECT pg_switch_wal()").expect("the log goes on");
    wait::until("the log is in the repository again", LIMIT, || {
        let last = ask(&primary(), "SELECT last_archived_wal > coalesce(last_failed_wal, '') FROM pg_stat_archiver")?;
        if last == "t" { Ok(()) } else { Err(last) }
    });
    ask_as_application("DROP TABLE history").expect("history ends");
}

fn superuser(operator: &Operator) -> String {
    let data = operator.request("GET", "secret/data/postgres", None).1;
    data["data"]["data"]["superuser"].as_str().expect("a password").to_owned()
}

fn backup(command: &[&str]) -> Result<String, String> {
    let mut arguments =
        vec!["exec", "-n", NAMESPACE, "postgresql-backup-0", "-c", "schedule", "--", "pgbackrest", "--stanza=main"];
    arguments.extend(command);
    try_kubectl(&arguments, "")
}
