use proptest::prelude::*;

use super::types::KNOWN;
use super::*;
use crate::classify::check::{Fault, Finding};

fn table_of(rows: &[(Fate, &[&str])]) -> Classifier {
    let glob = |text: &&str| Glob::parse(text).expect("a glob");
    Classifier::new(rows.iter().map(|(to, globs)| Row { to: *to, types: globs.iter().map(glob).collect() }).collect())
}

#[test]
fn the_default_table_leads_every_known_type_to_its_queue() {
    let table = Classifier::new(default_rows());
    for (kind, queue) in KNOWN {
        let answer = table.classify(kind);
        assert_eq!(answer, Answer { fate: answer.fate, known: true }, "{kind} is in no row");
        assert_eq!(answer.fate.queue(), Some(*queue), "{kind}");
    }
}

#[test]
fn the_default_table_has_no_dead_and_no_shadowed_row() {
    assert_eq!(check(&Classifier::new(default_rows())), []);
}

#[test]
fn an_unknown_type_is_normal_and_said_to_be_unknown() {
    let table = Classifier::new(default_rows());
    for _ in 0..2 {
        assert_eq!(table.classify("quantum.entangled"), Answer { fate: Fate::Normal, known: false });
    }
}

#[test]
fn inventing_types_fills_no_memory() {
    let table = Classifier::new(default_rows());
    (0..10 * REMEMBERED).for_each(|number| assert!(!table.classify(&format!("x.{number}")).known));
    assert!(table.answers.borrow().len() <= REMEMBERED);
}

#[test]
fn what_no_event_reaches_is_found() {
    let table = table_of(&[
        (Fate::High, &["session.*", "user.human.*"]),
        (Fate::Drop, &["session.otp.*", "sesion.added", "user.*.check.failed", "project.*"]),
        (Fate::Low, &["user.human.*", "*.grant.*"]),
    ]);
    let shadowed = |row, glob: &str, by: &str, above| Finding {
        row,
        glob: glob.into(),
        fault: Fault::Shadowed { by: by.into(), row: above },
    };
    let found = check(&table);
    assert_eq!(
        found,
        [
            shadowed(2, "session.otp.*", "session.*", 1),
            Finding { row: 2, glob: "sesion.added".into(), fault: Fault::Dead },
            shadowed(3, "user.human.*", "user.human.*", 1),
        ]
    );
    assert!(found[1].to_string().contains("dead"), "{}", found[1]);
    let apart = table_of(&[(Fate::High, &["milestone.pushed", "milestone.reached"]), (Fate::Low, &["milestone.*"])]);
    assert_eq!(check(&apart)[0].fault, Fault::ShadowedTogether);
}

#[test]
fn a_bad_glob_says_what_is_wrong() {
    for (text, part) in [("", "empty"), ("a.**", "one star"), ("user.{a,b}", "'{'"), ("user human", "' '")] {
        let error = Glob::parse(text).expect_err(text);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn globs_match_as_they_should() {
    for (glob, kind, expected) in [
        ("*", "", true),
        ("a.*", "a.b.c", true),
        ("a.*", "a", false),
        ("*.code.sent", "user.human.email.code.sent", true),
        ("user.*.check.failed", "user.check.failed", false),
        ("a*b*c", "aXbXbc", true),
        ("a*b*c", "aXbXcb", false),
    ] {
        assert_eq!(Glob::parse(glob).expect("a glob").matches(kind), expected, "{glob} on {kind}");
    }
}

proptest! {
    /// What a covered glob matches, the covering one matches too.
    #[test]
    fn covering_is_what_it_says(wide in "[ab*]{1,5}", narrow in "[ab*]{1,5}", kind in "[ab]{0,6}") {
        let (Ok(wide), Ok(narrow)) = (Glob::parse(&wide), Glob::parse(&narrow)) else { return Ok(()) };
        if wide.covers(&narrow) && narrow.matches(&kind) {
            prop_assert!(wide.matches(&kind), "{wide} should match {kind}, as {narrow} does");
        }
    }
}
