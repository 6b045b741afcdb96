use std::fs;

use super::read_workloads;

#[test]
fn a_mounted_configmap_is_read_without_the_kubelets_own_names() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("..2026")).unwrap();
    fs::write(directory.path().join("b.yaml"), "b").unwrap();
    fs::write(directory.path().join("a.yaml"), "a").unwrap();
    let read = read_workloads(directory.path()).unwrap();
    assert_eq!(read, [("a.yaml".to_owned(), "a".to_owned()), ("b.yaml".to_owned(), "b".to_owned())]);
    let error = read_workloads(&directory.path().join("none")).unwrap_err();
    assert!(error.to_string().contains("none") && error.code() == 2, "{error}");
}
