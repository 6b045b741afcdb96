use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{ensure_seal_key, has_data, write_configuration};

#[test]
fn only_a_raft_store_is_data() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!has_data(directory.path()).unwrap(), "empty");
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    fs::write(directory.path().join("seal.key"), "k").unwrap();
    assert!(!has_data(directory.path()).unwrap(), "nothing of raft's");
    fs::create_dir(directory.path().join("raft")).unwrap();
    assert!(has_data(directory.path()).unwrap());
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("vault.db"), "").unwrap();
    assert!(has_data(other.path()).unwrap());
}

#[test]
fn an_unreadable_directory_is_not_an_empty_one() {
    let error = has_data("/nonexistent/data".as_ref()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/data"), "{error}");
    assert_eq!(error.code(), 3);
}

#[test]
fn the_configuration_carries_the_pods_name_and_the_stanza_only_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("template"), "node_id = \"@POD_NAME@\"\napi = \"http://@POD_NAME@.x\"\n").unwrap();
    fs::write(path("initialize"), "initialize \"first\" {}\n").unwrap();
    write_configuration(&path("template"), None, "vault-1", &path("out")).unwrap();
    assert_eq!(fs::read_to_string(path("out")).unwrap(), "node_id = \"vault-1\"\napi = \"http://vault-1.x\"\n");
    write_configuration(&path("template"), Some(&path("initialize")), "vault-0", &path("out")).unwrap();
    let text = fs::read_to_string(path("out")).unwrap();
    assert!(text.contains("\"vault-0\"") && text.ends_with("\ninitialize \"first\" {}\n"), "{text}");
    assert!(!path("out.new").exists(), "nothing half-written stays");
    let missing = write_configuration(&path("none"), None, "vault-0", &path("out")).unwrap_err();
    assert_eq!(missing.code(), 2);
}

#[test]
fn the_seal_key_is_made_once_and_only_for_an_empty_volume() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("seal.key");
    let refused = ensure_seal_key(&key, true).unwrap_err();
    assert!(refused.to_string().contains("seal.key is missing"), "{refused}");
    assert_eq!(refused.code(), 1);
    assert!(!key.exists());

    assert!(ensure_seal_key(&key, false).unwrap());
    let bytes = fs::read(&key).unwrap();
    assert_eq!(bytes.len(), 32);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o400);
    for has_data in [false, true] {
        assert!(!ensure_seal_key(&key, has_data).unwrap(), "kept");
        assert_eq!(fs::read(&key).unwrap(), bytes);
    }
}

#[test]
fn a_bare_file_name_is_in_the_directory_of_the_moment() {
    let name = format!("blinkchamber-guard-{}", std::process::id());
    super::replace(name.as_ref(), b"x", 0o600).unwrap();
    assert_eq!(fs::read(&name).unwrap(), b"x");
    fs::remove_file(&name).unwrap();
}
