use super::*;
use crate::lint::{LintOptions, check};

const TEXT: &str = "# é\npath \"kv//a\" { capabilities = [\"write\", \"<x>\"] }\npath \"kv//b\" {\n  capabilities = [\"read\", \"read\"]\n}\n";

fn written(format: Format) -> String {
    let files = [
        ("./p/a b.hcl".to_owned(), TEXT.to_owned()),
        ("ok.hcl".to_owned(), "path \"kv/a\" { capabilities = [\"read\"] }".to_owned()),
    ];
    let found = check(&files, &LintOptions::default());
    let mut out = Vec::new();
    Report { files: &files, found: &found }.write(format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_line_for_each() {
    assert_eq!(
        written(Format::Concise),
        "./p/a b.hcl:2:32: error VP003 \"write\" is no capability\n\
         ./p/a b.hcl:2:41: error VP003 \"<x>\" is no capability\n\
         ./p/a b.hcl:3:6: warning VP106 // in \"kv//b\" matches no request\n\
         ./p/a b.hcl:4:27: style VP203 \"read\" stands twice\n\
         2 files, 2 errors, 1 warning, 1 style\n"
    );
}

#[test]
fn json_is_one_object_or_one_a_line() {
    let whole: Value = serde_json::from_str(&written(Format::Json)).unwrap();
    let lines: Vec<Value> = written(Format::Jsonl).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(whole["version"], 1);
    assert_eq!(whole["findings"].as_array().unwrap(), &lines);
    assert_eq!(lines[3]["fix"]["safe"], true);
}

#[test]
fn github_s_commands_are_escaped() {
    let text = written(Format::Github);
    assert!(text.starts_with("::error file=p/a b.hcl,line=2,endLine=2,col=32,endColumn=39,title=VP003 invalid-capability::\"write\" is no capability\n"), "{text}");
    assert!(text.contains("::notice ") && text.ends_with("1 style\n"), "{text}");
}

#[test]
fn gitlab_knows_its_own_severities() {
    let report: Value = serde_json::from_str(&written(Format::Gitlab)).unwrap();
    let severities: Vec<_> = report.as_array().unwrap().iter().map(|one| one["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["critical", "critical", "major", "info"]);
    assert_eq!(report[2]["location"], json!({ "path": "p/a b.hcl", "lines": { "begin": 3 } }));
    let mut prints: Vec<_> =
        report.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    prints.dedup();
    assert_eq!(prints.len(), 4);
}

#[test]
fn reviewdog_counts_bytes_and_gets_suggestions() {
    let report: Value = serde_json::from_str(&written(Format::Rdjson)).unwrap();
    let first = &report["diagnostics"][0];
    assert_eq!((first["severity"].as_str(), first["code"]["value"].as_str()), (Some("ERROR"), Some("VP003")));
    assert_eq!(first["suggestions"][0]["text"], "\"create\", \"update\"");
    assert_eq!(first["location"]["range"]["start"], json!({ "line": 2, "column": 32 }));
}

#[test]
fn xml_holds_every_finding_and_no_bare_sign() {
    let junit = written(Format::Junit);
    assert!(
        junit.contains("tests=\"5\" failures=\"4\"")
            && junit.contains("<testcase classname=\"ok.hcl\" name=\"lint\"/>"),
        "{junit}"
    );
    assert!(junit.contains("&quot;&lt;x&gt;&quot; is no capability") && !junit.contains("<x>"), "{junit}");
    let checkstyle = written(Format::Checkstyle);
    assert_eq!(checkstyle.matches("<error ").count(), 4);
    assert!(!checkstyle.contains("ok.hcl") && checkstyle.contains("severity=\"info\""), "{checkstyle}");
}

#[test]
fn statistics_count_by_rule() {
    let files = [("a.hcl".to_owned(), TEXT.to_owned())];
    let found = check(&files, &LintOptions::default());
    let mut out = Vec::new();
    Report { files: &files, found: &found }.statistics(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("     2  VP003 invalid-capability\n"), "{text}");
}
