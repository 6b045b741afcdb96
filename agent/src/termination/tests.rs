use std::fs;

use super::leave_at;

#[test]
fn last_words_replace_and_are_cut_at_a_character() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("termination-log");
    leave_at(&path, "nobody reads this");
    assert!(!path.exists(), "made only by the kubelet");
    fs::write(&path, "something longer than what follows").unwrap();
    leave_at(&path, "login: refused");
    assert_eq!(fs::read_to_string(&path).unwrap(), "login: refused");
    leave_at(&path, &"ä".repeat(4000));
    assert_eq!(fs::read_to_string(&path).unwrap().len(), 4096);
}
