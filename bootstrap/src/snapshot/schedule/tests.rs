use std::fs;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Fresh, fresh, made};

fn directory(ages: &[i64]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for age in ages {
        let time = Timestamp::from_second(Timestamp::now().as_second() - age).unwrap().strftime("%Y%m%dT%H%M%SZ");
        fs::write(directory.path().join(format!("openbao-{time}.snap")), "x").unwrap();
    }
    fs::write(directory.path().join("openbao-unfinished.snap.new"), "x").unwrap();
    directory
}

fn said(directory: &TempDir, every: &str) -> Result<String, String> {
    let options = Fresh { directory: directory.path().to_owned(), every: every.to_owned() };
    let mut out = Vec::new();
    fresh(&options, &mut out).map_err(|failure| format!("{}: {failure}", failure.code()))?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn the_newest_one_counts_and_may_be_one_turn_late() {
    assert!(said(&directory(&[90_000, 7000]), "1h").unwrap().starts_with("the newest snapshot is 700"));
    let error = said(&directory(&[90_000, 7300]), "1h").unwrap_err();
    assert!(error.starts_with("1: the newest snapshot in") && error.ends_with("s old, more than 7200 s"), "{error}");
    assert!(said(&directory(&[]), "1h").unwrap_err().ends_with("holds no snapshot"));
    // A clock that was wrong.
    assert_eq!(said(&directory(&[-4000]), "1h").unwrap(), "the newest snapshot is 0 s old\n");
}

#[test]
fn what_is_no_duration_is_refused() {
    for every in ["", "0s", "6", "soon", "-1h"] {
        let error = said(&directory(&[1]), every).unwrap_err();
        assert!(error.starts_with("2: --every") && error.contains(&format!("{every:?}")), "{error}");
    }
}

#[test]
fn the_time_is_in_the_name() {
    let time = made("openbao-20260102T030405Z.snap").unwrap();
    assert_eq!(Timestamp::try_from(time).unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(made("openbao-2026.snap"), None);
}
