use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use super::{Ledger, NAME};

const FILE: &str = "/vault/secrets/db";

fn note(ledger: &mut Ledger, bytes: &str, changed: bool) -> bool {
    ledger.note(Path::new(FILE), bytes.as_bytes(), changed, true)
}

fn tell(ledger: &mut Ledger) {
    let digest = ledger.digest_of(Path::new(FILE)).unwrap();
    ledger.told(Path::new(FILE), &digest);
}

#[test]
fn who_was_not_told_before_a_kill_is_told_after_it() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(Some(home.path()));
    ledger.save().unwrap();
    // Killed between the swap and the note.
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(note(&mut ledger, "one", false));
    assert!(!note(&mut ledger, "one", false), "once, while the action is under way");
    ledger.save().unwrap();
    // Killed between the note and the action.
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(note(&mut ledger, "one", false));
    tell(&mut ledger);
    ledger.save().unwrap();
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(!note(&mut ledger, "one", false), "told is told");
    assert!(note(&mut ledger, "two", true));
    let mode = fs::metadata(home.path().join(NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!fs::read_to_string(home.path().join(NAME)).unwrap().contains("one"));
}

#[test]
fn a_change_while_the_last_one_is_told_is_told_as_well() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(note(&mut ledger, "one", true));
    let first = ledger.digest_of(Path::new(FILE)).unwrap();
    assert!(note(&mut ledger, "two", true));
    ledger.told(Path::new(FILE), &first);
    ledger.save().unwrap();
    assert!(note(&mut Ledger::open(Some(home.path())), "two", false));
}

#[test]
fn files_from_before_the_first_ledger_were_told_of_by_who_wrote_them() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(!note(&mut ledger, "one", false));
    let mut none = Ledger::open(None);
    assert!(!note(&mut none, "one", false), "nothing is remembered without a home");
    assert!(note(&mut none, "two", true));
    none.save().unwrap();
    fs::write(home.path().join(NAME), "{").unwrap();
    assert!(note(&mut Ledger::open(Some(home.path())), "one", false), "in doubt it is told");
}

#[test]
fn a_file_without_actions_has_nobody_to_tell() {
    let home = tempfile::tempdir().unwrap();
    Ledger::open(Some(home.path())).save().unwrap();
    let mut ledger = Ledger::open(Some(home.path()));
    assert!(!ledger.note(Path::new(FILE), b"one", true, false));
    ledger.save().unwrap();
    assert!(!note(&mut Ledger::open(Some(home.path())), "one", false));
}

#[test]
fn it_knows_what_is_ours_and_wanted_no_more() {
    let mut ledger = Ledger::open(None);
    for path in ["/a", "/b"] {
        ledger.note(Path::new(path), b"x", true, false);
    }
    let wanted = BTreeSet::from(["/b".into(), "/c".into()]);
    assert_eq!(ledger.unwanted(&wanted), [Path::new("/a")]);
    assert!(ledger.is_ours(Path::new("/a"), b"x") && !ledger.is_ours(Path::new("/a"), b"y"));
    ledger.forget(Path::new("/a"));
    assert!(ledger.unwanted(&wanted).is_empty() && !ledger.is_ours(Path::new("/a"), b"x"));
}
