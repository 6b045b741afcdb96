//! A snapshot of one server is restored into a new one with the same seal, and into none with another.

use std::fs;
use std::path::Path;

use blinkchamber_bootstrap::access;
use blinkchamber_bootstrap::kubernetes;
use blinkchamber_bootstrap::snapshot::{Restore, Save, list, restore, save};
use secrecy::SecretString;
use serde_json::json;

use crate::member::Member;

fn started(key: u8) -> Member {
    let mut member = Member::new(&[key; 32]);
    member.start(&member.guard(true));
    member.login();
    member
}

fn access(member: &Member) -> access::Options {
    access::Options {
        vault_address: member.address.clone(),
        vault_ca_file: Some(member.path("ca.crt")),
        vault_ca_config_map: None,
        auth_path: "kubernetes".to_owned(),
        token_file: "/none".into(),
        api: kubernetes::Options {
            api_address: "http://127.0.0.1:1".to_owned(),
            api_token_file: "/none".into(),
            api_ca_file: "/none".into(),
        },
    }
}

fn saved(member: &Member, token: &SecretString, target: &Path, keep: usize) -> String {
    let mut out = Vec::new();
    let options = Save { target: target.to_owned(), keep, role: "unused".to_owned(), access: access(member) };
    save(&options, token, &mut out).unwrap_or_else(|failure| panic!("{failure}"));
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn what_was_saved_is_there_again_in_a_new_cluster_of_the_same_seal() {
    let old = started(6);
    let server = old.login();
    server.write("sys/mounts/kept", &json!({"type": "kv", "options": {"version": "1"}})).unwrap();
    server.write("kept/shop", &json!({"password": "only-in-the-snapshot"})).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for name in ["openbao-20200101T000000Z.snap", "openbao-20200102T000000Z.snap", "somebody-elses"] {
        fs::write(directory.path().join(name), "old").unwrap();
    }
    let said = saved(&old, &old.token(), directory.path(), 2);
    assert!(said.contains("20200101T000000Z.snap is removed"), "{said}");
    let names: Vec<_> = list(directory.path()).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!((names.len(), names[0].as_str()), (2, "openbao-20200102T000000Z.snap"));
    assert!(directory.path().join("somebody-elses").exists());
    let file = directory.path().join(&names[1]);
    let bytes = fs::read(&file).unwrap();
    let secret = b"only-in-the-snapshot";
    assert!(!bytes.windows(secret.len()).any(|part| part == secret), "encrypted with the seal's key");
    // The same, for a pipe.
    assert!(!saved(&old, &old.token(), Path::new("-"), 1).is_empty());

    let new = started(6);
    assert!(new.login().read("kept/shop").unwrap().is_none());
    let mut out = Vec::new();
    let options = Restore { source: file.clone(), marker: None, access: access(&new) };
    restore(&options, &new.token(), &mut out).unwrap_or_else(|failure| panic!("{failure}"));
    let id = old.wait("open", |status| status["sealed"] == false)["cluster_id"].clone();
    assert_eq!(new.wait("open", |status| status["sealed"] == false)["cluster_id"], id);
    assert!(String::from_utf8(out).unwrap().contains(id.as_str().unwrap()));
    let found = new.login().read("kept/shop").unwrap().expect("restored");
    assert_eq!(found["data"]["password"], "only-in-the-snapshot");
}

#[test]
fn a_file_that_is_no_snapshot_changes_nothing_and_a_refusal_leaves_no_file() {
    let member = started(7);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nonsense");
    fs::write(&file, "nonsense").unwrap();
    let options = Restore { source: file, marker: None, access: access(&member) };
    let failure = restore(&options, &member.token(), &mut Vec::new()).unwrap_err();
    assert!(failure.to_string().contains("snapshot-force"), "{failure}");
    member.login();
    let target = directory.path().join("x.snap");
    let options = Save { target: target.clone(), keep: 1, role: "unused".to_owned(), access: access(&member) };
    let failure = save(&options, &SecretString::from("not-a-token"), &mut Vec::new()).unwrap_err();
    assert!(failure.to_string().contains("403"), "{failure}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "only the nonsense");
}
