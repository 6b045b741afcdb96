use super::*;
use crate::lint::{LintOptions, check};

fn found(text: &str) -> Vec<Located> {
    check(&[("a.hcl".to_owned(), text.to_owned())], &LintOptions::default())
}

#[test]
fn only_what_is_new_is_left() {
    let old = "path \"kv//a\" { capabilities = [\"read\"] }\n";
    let text = serde_json::to_string(&Baseline::of(&found(old))).unwrap();
    let baseline = Baseline::parse(&text).unwrap();
    let moved = format!("# moved\n\n{old}path \"kv//b\" {{ capabilities = [\"read\"] }}\n");
    let (new, gone) = baseline.subtract(found(&moved));
    let subjects: Vec<_> = new.iter().map(|one| one.finding.subject.as_str()).collect();
    assert_eq!((subjects, gone), (vec!["kv//b"], 0));
    let (new, gone) = baseline.subtract(found("path \"kv/a\" { capabilities = [\"read\"] }\n"));
    assert_eq!((new.len(), gone), (0, 1));
}

#[test]
fn the_same_twice_is_known_as_often_as_it_was() {
    let one = "path \"kv//a\" { capabilities = [\"read\"] }\n";
    let baseline = Baseline::of(&found(one));
    let twice = found(&format!("{one}{one}"));
    let (new, _) = baseline.subtract(twice);
    assert_eq!(new.iter().filter(|one| one.finding.rule.code == "VP106").count(), 1);
}

#[test]
fn other_versions_are_refused() {
    assert!(Baseline::parse("{\"version\":2,\"findings\":[]}").unwrap_err().contains("--write-baseline"));
    assert!(Baseline::parse("[]").is_err());
}
