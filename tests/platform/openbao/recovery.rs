//! A volume that is lost, and a backup that is restored.

use std::fs;

use blinkchamber_tests::bao::Operator;
use blinkchamber_tests::bao::writer::Writer;
use blinkchamber_tests::cluster::{PLATFORM, deploy, kubectl, try_kubectl};
use blinkchamber_tests::wait;
use serde_json::{Value, json};

use super::members::{LIMIT, leader, whole};

#[test]
fn a_member_whose_volume_is_lost_joins_the_same_cluster_again() {
    let before = whole();
    let writer = Writer::start();
    // The first pod is the one that began the cluster, and begins none again; the leader's is the worst to lose.
    for lost in ["vault-0".to_owned(), leader()] {
        kubectl(&["delete", "pvc", "-n", PLATFORM, &format!("data-{lost}"), "--wait=false"]);
        kubectl(&["delete", "pod", "-n", PLATFORM, &lost, "--wait=true"]);
        writer.goes_on("writes after a volume was lost");
        assert_eq!(whole(), before, "{lost} is of the same cluster");
    }
    writer.finish("volumes lost");
}

#[test]
fn a_backup_brings_back_what_was_and_the_schedule_has_made_one() {
    whole();
    let listed = || {
        try_kubectl(
            &[
                "exec",
                "-n",
                PLATFORM,
                "vault-snapshots-0",
                "--",
                "/blinkchamber-bootstrap",
                "snapshot",
                "list",
                "/snapshots",
            ],
            "",
        )
    };
    wait::until("there is a snapshot of the schedule", LIMIT, || {
        let all = listed()?;
        if all.starts_with("openbao-") { Ok(()) } else { Err(all) }
    });
    let operator = Operator::login();
    let value = |operator: &Operator| -> Value {
        let (_, answer) = operator.try_request("GET", "secret/data/e2e/restored", None).unwrap_or_default();
        answer["data"]["data"]["value"].clone()
    };
    operator.put("e2e/restored", &json!({"value": "before"}));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("openbao.snap");
    let path = file.to_str().expect("UTF-8");
    let (ok, said) = deploy(&["backup", path]);
    assert!(ok, "{said}");
    assert!(fs::metadata(&file).is_ok_and(|metadata| metadata.len() > 1000));
    let (ok, said) = deploy(&["backup", path]);
    assert!(!ok && said.contains("exists already"), "{said}");

    operator.put("e2e/restored", &json!({"value": "after"}));
    let (ok, said) = deploy(&["restore", path, "--yes"]);
    assert!(ok, "{said}");
    whole();
    wait::until("the value is the one of the backup", LIMIT, || match value(&Operator::login()) {
        value if value == "before" => Ok(()),
        value => Err(value.to_string()),
    });
    wait::until("what converges finds all as it should be", LIMIT, || {
        let (ok, said) = deploy(&["diff"]);
        if ok { Ok(()) } else { Err(said) }
    });
}
