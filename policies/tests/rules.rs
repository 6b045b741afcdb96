//! Each rule against its page: it fires, it spares the near miss, and its fix mends what it can.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use blinkchamber_policies::lint::{self, LintOptions, Located};
use blinkchamber_policies::rules::{self, Fixable, Rule, Sample};

/// 2026-11-24.
const NOW: i64 = 1_795_500_000;

fn options(rule: &Rule) -> LintOptions {
    let mut options = lint::options_of(rule.page().config).unwrap();
    options.now = NOW;
    options
}

fn files(samples: &[Sample]) -> Vec<(String, String)> {
    samples.iter().map(|sample| (sample.file.to_owned(), sample.text.clone())).collect()
}

fn of<'a>(found: &'a [Located], rule: &Rule) -> Vec<&'a Located> {
    found.iter().filter(|one| one.finding.rule == rule).collect()
}

#[test]
fn each_rule_fires() {
    for rule in rules::ALL {
        let found = lint::check(&files(&rule.page().fires), &options(rule));
        assert!(!of(&found, rule).is_empty(), "{} does not fire: {found:?}", rule.code);
    }
}

#[test]
fn each_rule_spares_the_near_miss() {
    for rule in rules::ALL {
        let found = lint::check(&files(&rule.page().misses), &options(rule));
        assert!(of(&found, rule).is_empty(), "{} fires on {found:?}", rule.code);
    }
}

/// A near miss that is refused misses for the wrong reason.
#[test]
fn what_is_spared_can_be_read() {
    let unread = ["VP001", "VK130", "VM110"];
    let meant = ["VP002", "VP010", "VP016"];
    for rule in rules::ALL.iter().filter(|rule| !meant.contains(&rule.code)) {
        let found = lint::check(&files(&rule.page().misses), &options(rule));
        let refused = found.iter().find(|one| unread.contains(&one.finding.rule.code) || one.finding.server.is_some());
        assert_eq!(refused, None, "{}", rule.code);
    }
}

#[test]
fn each_fix_mends_what_it_says() {
    for rule in rules::ALL {
        let page = rule.page();
        let mut options = options(rule);
        // An ignore is about another rule, which has to look.
        if !rule.code.starts_with("VP90") {
            options.selection.select = vec![lint::Selector::parse(rule.code).unwrap()];
        }
        let fires = files(&page.fires);
        let fixable = lint::check(&fires, &options).iter().any(|one| one.finding.fix.is_some());
        assert_eq!(fixable, rule.fixable != Fixable::No, "{} proposes a change", rule.code);
        assert!(rule.fixable == Fixable::Safe || lint::fix(&fires, &options, false).is_empty(), "{}", rule.code);
        let mut mended = fires;
        for (file, text, _) in lint::fix(&mended.clone(), &options, true) {
            mended.iter_mut().filter(|(name, _)| *name == file).for_each(|(_, old)| old.clone_from(&text));
        }
        if fixable {
            let left: Vec<_> =
                lint::check(&mended, &options).into_iter().filter(|one| one.finding.fix.is_some()).collect();
            assert!(left.is_empty(), "{} is there after its fix: {left:?}", rule.code);
            assert_eq!(mended, files(&page.fixed), "{}", rule.code);
        }
    }
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&written, text).unwrap();
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{} is old; after a wanted change: cp {} {0}", path.display(), written.display());
}

/// Every finding of every page, so that a change of a place or a word is seen.
#[test]
fn places_and_words_are_the_committed_ones() {
    let mut text = String::new();
    for rule in rules::ALL {
        for Located { file, finding } in of(&lint::check(&files(&rule.page().fires), &options(rule)), rule) {
            let (line, column) = (finding.position.line, finding.position.column);
            writeln!(text, "{file}:{line}:{column}: {} {} {}", finding.severity.word(), rule.code, finding.message)
                .unwrap();
        }
    }
    golden("rules.txt", &text);
}

/// Policies and roles of the shapes that people write: how often each rule is met, and where. A rule that begins to cry wolf
/// shows here.
#[test]
fn counts_over_everyday_policies_are_the_committed_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wild");
    let mut files = Vec::new();
    for folder in ["policies", "roles"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            files.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    files.sort();
    let mut options = LintOptions::default();
    options.now = NOW;
    let found = lint::check(&files, &options);
    let mut text = String::new();
    for rule in rules::ALL {
        let count = of(&found, rule).len();
        if count > 0 {
            writeln!(text, "{count:>3} {} {}", rule.code, rule.name).unwrap();
        }
    }
    for Located { file, finding } in &found {
        writeln!(text, "{file}:{}: {} {}", finding.position.line, finding.rule.code, finding.message).unwrap();
    }
    golden("wild.txt", &text);
    let clean = found.iter().filter(|one| one.file.ends_with("nothing-wrong.hcl") || one.file.ends_with("reader.json"));
    assert_eq!(clean.count(), 0, "what is right is left alone");
    assert_eq!(lint::check(&files, &options), found, "the same twice");
}

#[test]
fn the_reference_is_the_table_s() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/rules");
    let pages: Vec<_> = rules::pages();
    for (name, text) in &pages {
        let committed = fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert!(
            committed == *text,
            "docs/reference/rules/{name} is old: cargo run -p blinkchamber-policies -- rules --write docs/reference/rules"
        );
    }
    let there = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<_> = pages.into_iter().map(|(name, _)| name).collect();
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "a page without a rule, or a rule without a page");
}
