//! The output formats against what their readers accept.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::ffi::OsString;
use std::fs;

use blinkchamber_policies::{Exit, Streams, run};
use boon::{Compiler, Schemas};
use serde_json::Value;

/// Policies, roles and manifests with findings of every severity, with fixes and with other places.
fn linted(format: &str) -> (Exit, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for rule in blinkchamber_policies::rules::ALL {
        for sample in rule.page().fires {
            file(&format!("{}/{}", rule.code, sample.file), &sample.text);
        }
    }
    let words = ["policies", "lint", "--select", "ALL", "--format", format, directory.path().to_str().unwrap()];
    let mut output = Vec::new();
    let streams = Streams { input: &mut &b""[..], output: &mut output, errors: &mut Vec::new() };
    let exit = run(words.map(OsString::from), streams);
    (exit, String::from_utf8(output).unwrap())
}

/// The schema of OASIS, its descriptions left out.
#[test]
fn sarif_is_what_the_schema_says() {
    let (exit, text) = linted("sarif");
    assert_eq!(exit, Exit::Findings);
    let log: Value = serde_json::from_str(&text).unwrap();
    let schema: Value = serde_json::from_str(include_str!("data/sarif-2.1.0.schema.json")).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("https://sarif.test/schema.json", schema).unwrap();
    let index = compiler.compile("https://sarif.test/schema.json", &mut schemas).unwrap();
    let verdict = schemas.validate(&log, index).map_err(|error| error.to_string());
    assert_eq!(verdict, Ok(()));
    let mut wrong = log.clone();
    wrong["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(schemas.validate(&wrong, index).is_err(), "the schema looks at results");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results.len() > 150 && rules.len() > 140, "{} results, {} rules", results.len(), rules.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    assert!(results.iter().any(|result| result.get("fixes").is_some()));
    assert!(results.iter().any(|result| result.get("relatedLocations").is_some()));
}

#[test]
fn every_format_holds_every_finding() {
    let (_, json) = linted("json");
    let report: Value = serde_json::from_str(&json).unwrap();
    let count = report["findings"].as_array().unwrap().len();
    let summary = |text: &str| text.lines().last().unwrap().to_owned();
    for (format, mark) in [
        ("concise", ": "),
        ("jsonl", "{"),
        ("github", "::"),
        ("gitlab", "\"fingerprint\""),
        ("junit", "<failure "),
        ("checkstyle", "<error "),
        ("rdjson", "\"severity\""),
        ("sarif", "\"ruleIndex\""),
    ] {
        let (_, text) = linted(format);
        let lines = text.lines().filter(|line| line.contains(mark)).count();
        assert_eq!(lines, count, "{format}: {}", summary(&text));
    }
}
