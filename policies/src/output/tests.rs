use std::collections::BTreeSet;

use super::*;
use crate::role::Role;

fn compiled(names: &[&str]) -> Compiled {
    let role = |name: &&str| {
        let role = Role {
            auth_path: "auth/kubernetes".to_owned(),
            bound_service_account_names: BTreeSet::from(["app".to_owned()]),
            bound_service_account_namespaces: BTreeSet::from(["shop".to_owned()]),
            audience: String::new(),
            token_policies: BTreeSet::from([format!("{name}-policy")]),
            token_ttl: 1,
            token_max_ttl: 2,
        };
        ((*name).to_owned(), role)
    };
    let policy = |name: &&str| (format!("{name}-policy"), format!("# {name}\npath \"{name}\" {{}}\n"));
    Compiled {
        policies: names.iter().map(policy).collect(),
        roles: names.iter().map(role).collect(),
        notes: Vec::new(),
    }
}

#[test]
fn a_directory_holds_exactly_the_last_set() {
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), &compiled(&["a", "b"])).unwrap();
    fs::write(directory.path().join("policies/hand-made.hcl"), "# mine").unwrap();
    write_directory(directory.path(), &compiled(&["b", "c"])).unwrap();
    let mut read = read_directory(directory.path()).unwrap();
    assert_eq!(read.policies.remove("hand-made").unwrap(), "# mine");
    assert_eq!(read, compiled(&["b", "c"]));
    let left = fs::read_dir(directory.path().join("roles")).unwrap().count();
    assert_eq!(left, 2, "no temporary file is left");
}

#[test]
fn an_index_cannot_reach_outside() {
    let directory = tempfile::tempdir().unwrap();
    let outside = directory.path().join("precious");
    fs::write(&outside, "x").unwrap();
    let inside = directory.path().join("out");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join(INDEX), "{\"files\":[\"../precious\",\"policies/../../precious\",\"/etc/hostname\"]}")
        .unwrap();
    write_directory(&inside, &compiled(&["a"])).unwrap();
    assert!(outside.exists());
    fs::write(inside.join(INDEX), "not json").unwrap();
    assert!(write_directory(&inside, &compiled(&["a"])).unwrap_err().to_string().contains("earlier compilation"));
}

#[test]
fn a_stream_reads_back() {
    let text = to_stream(&compiled(&["a", "b"])).unwrap();
    assert_eq!(from_stream(&text).unwrap(), compiled(&["a", "b"]));
    assert!(from_stream("path \"a\" {}").unwrap_err().to_string().contains("output of compile"));
    assert!(from_stream("--- role a\n{}").unwrap_err().to_string().starts_with("--- role a: missing field"));
    assert!(from_stream("--- thing a\n").is_err());
    assert_eq!(from_stream("").unwrap(), Compiled::default());
}
