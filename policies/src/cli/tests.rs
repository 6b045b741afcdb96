use std::fs;

use super::*;

mod evaluate;
mod fmt;
mod questions;

struct Ran {
    exit: Exit,
    output: String,
    errors: String,
}

fn ran(arguments: &[&str], input: &str) -> Ran {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let streams = Streams { input: &mut input.as_bytes(), output: &mut output, errors: &mut errors };
    let words = std::iter::once("blinkchamber-policies").chain(arguments.iter().copied()).map(OsString::from);
    let exit = run(words, streams);
    Ran { exit, output: String::from_utf8(output).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

const MANIFESTS: &str = include_str!("../../tests/golden/shop.yaml");

#[test]
fn wrong_arguments_end_with_two() {
    assert_eq!(ran(&["lint"], "").exit, Exit::Usage);
    assert_eq!(ran(&["compile", "--token-ttl", "x"], "").exit, Exit::Usage);
    let ran_ = ran(&["compile", "--token-ttl", "2h", "--token-max-ttl", "1h"], "");
    assert_eq!((ran_.exit, ran_.errors.as_str()), (Exit::Usage, "error: --token-ttl is longer than --token-max-ttl\n"));
    assert_eq!(ran(&["--help"], "").exit, Exit::Success);
}

#[test]
fn lint_counts_and_exits() {
    let clean = ran(&["lint", "-"], "path \"kv/a\" { capabilities = [\"read\"] }");
    assert_eq!((clean.exit, clean.output.as_str()), (Exit::Success, "1 file, 0 errors, 0 warnings\n"));
    let warned = "path \"kv//a\" { capabilities = [\"read\"] }";
    assert_eq!(ran(&["lint", "-"], warned).exit, Exit::Success);
    assert_eq!(ran(&["lint", "--fail-on", "warning", "-"], warned).exit, Exit::Findings);
    let broken = ran(&["lint", "--format", "json", "-"], "path \"a\" {");
    assert_eq!(broken.exit, Exit::Findings);
    let report: serde_json::Value = serde_json::from_str(&broken.output).unwrap();
    assert_eq!(report["findings"][0]["code"], "VP001");
    assert_eq!(report["findings"][0]["file"], "standard input");
}

#[test]
fn files_are_found_named_and_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert_eq!(ran(&["lint", path], "").exit, Exit::Usage, "no policy in the directory");
    let missing = ran(&["lint", &format!("{path}/none.hcl")], "");
    assert_eq!(missing.exit, Exit::Failure);
    assert!(missing.errors.contains("none.hcl"));
    fs::create_dir(directory.path().join("sub")).unwrap();
    fs::write(directory.path().join("sub/a.hcl"), "path \"*\" { capabilities = [\"read\"] }").unwrap();
    fs::write(directory.path().join("b.txt"), "not looked at").unwrap();
    let found = ran(&["lint", path], "");
    assert!(found.output.contains("sub/a.hcl:1:6") && found.output.contains("VP401"), "{}", found.output);
    fs::write(directory.path().join("latin.hcl"), b"# x\n# \xe9\n").unwrap();
    let latin = ran(&["lint", path], "");
    assert!(latin.errors.contains("latin.hcl: line 2 is not UTF-8"), "{}", latin.errors);
}

#[test]
fn compile_writes_a_stream_or_a_directory() {
    let stream = ran(&["compile"], MANIFESTS);
    assert_eq!((stream.exit, stream.errors.as_str()), (Exit::Success, ""));
    assert_eq!(
        output_names(&stream.output),
        ["policy postgres-policy", "policy web-policy", "role postgres-role", "role web"]
    );
    let directory = tempfile::tempdir().unwrap();
    let written = ran(&["compile", "-f", "-", "--out", directory.path().to_str().unwrap()], MANIFESTS);
    assert!(written.errors.ends_with(": 2 policies, 2 roles\n"), "{}", written.errors);
    assert!(directory.path().join("policies/web-policy.hcl").is_file());
}

fn output_names(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("--- ")).collect()
}

#[test]
fn a_failed_compilation_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let bad = format!("{MANIFESTS}---\nkind: [\n");
    let failed = ran(&["compile", "--out", directory.path().to_str().unwrap()], &bad);
    assert_eq!(failed.exit, Exit::Findings);
    assert!(failed.errors.starts_with("error: standard input, document 5: line "), "{}", failed.errors);
    assert!(failed.errors.contains("\n  help: "));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn apply_refuses_before_it_connects() {
    let stream = ran(&["compile"], MANIFESTS).output;
    let address = ["apply", "-", "--address", "http://127.0.0.1:1", "--token-file"];
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "hvs.secret\nmore").unwrap();
    let bad_token = ran(&[&address[..], &[file.path().to_str().unwrap()]].concat(), &stream);
    assert_eq!(bad_token.exit, Exit::Usage);
    assert!(!bad_token.errors.contains("hvs.secret"));
    fs::write(file.path(), "hvs.secret\n").unwrap();
    let unreachable = ran(&[&address[..], &[file.path().to_str().unwrap()]].concat(), &stream);
    assert_eq!(unreachable.exit, Exit::Failure);
    assert!(unreachable.errors.contains("sys/policies/acl/"), "{}", unreachable.errors);
    assert!(!unreachable.errors.contains("hvs.secret"));
    let garbage = ran(&[&address[..], &[file.path().to_str().unwrap()]].concat(), "kind: Pod");
    assert_eq!(garbage.exit, Exit::Usage);
}

#[test]
fn a_reader_that_left_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut errors = Vec::new();
    let streams = Streams { input: &mut MANIFESTS.as_bytes(), output: &mut Gone, errors: &mut errors };
    let exit = run(["blinkchamber-policies", "compile"].map(OsString::from), streams);
    assert_eq!((exit, errors.len()), (Exit::Success, 0));
}

/// A directory with files, and its path.
fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = directory.path().to_str().unwrap().to_owned();
    (directory, path)
}

const TWICE: &str =
    "path \"/kv/a\" {\n  capabilities = [\"read\", \"read\"]\n}\npath \"kv//b\" {\n  capabilities = [\"read\"]\n}\n";

#[test]
fn fixes_are_made_where_they_are_asked_for() {
    let (_kept, path) = directory(&[("a.hcl", TWICE), ("b.hcl", "# policies: ignore[VP106]\n")]);
    let read = || fs::read_to_string(format!("{path}/a.hcl")).unwrap();
    let safe = ran(&["lint", "--fix", &path], "");
    assert_eq!(safe.exit, Exit::Success);
    assert!(
        safe.errors.contains("a.hcl: 2 changes\n") && safe.errors.contains("b.hcl: 1 changes\n"),
        "{}",
        safe.errors
    );
    assert_eq!(read(), TWICE.replace("\"/kv", "\"kv").replace("\"read\", \"read\"", "\"read\""));
    assert!(safe.output.contains("VP106"), "an unsafe one is left: {}", safe.output);
    let all = ran(&["lint", "--fix", "--unsafe-fixes", &path], "");
    assert!(!all.output.contains("VP106") && read().contains("\"kv/b\""), "{}", all.output);
    assert_eq!(ran(&["lint", "--unsafe-fixes", &path], "").exit, Exit::Usage, "not without --fix");
    assert_eq!(ran(&["lint", "--fix", "-"], TWICE).exit, Exit::Usage, "standard input has no file");
}

#[test]
fn a_baseline_hides_what_was_there() {
    let (_kept, path) = directory(&[("a.hcl", TWICE)]);
    let baseline = format!("{path}/known.txt");
    let written = ran(&["lint", "--write-baseline", &baseline, &path], "");
    assert_eq!((written.exit, written.output.as_str()), (Exit::Success, ""));
    let known = ran(&["lint", "--baseline", &baseline, "--fail-on", "style", &path], "");
    assert_eq!((known.exit, known.output.as_str()), (Exit::Success, "1 file, 0 errors, 0 warnings\n"));
    fs::write(format!("{path}/a.hcl"), format!("{TWICE}path \"kv//c\" {{\n  capabilities = [\"read\"]\n}}\n")).unwrap();
    let new = ran(&["lint", "--baseline", &baseline, "--fail-on", "style", "--format", "concise", &path], "");
    assert_eq!(new.exit, Exit::Findings);
    assert!(new.output.contains("kv//c") && !new.output.contains("kv//b"), "{}", new.output);
    fs::write(format!("{path}/a.hcl"), "path \"kv/a\" {\n  capabilities = [\"read\"]\n}\n").unwrap();
    let gone = ran(&["lint", "--baseline", &baseline, &path], "");
    assert!(gone.errors.contains("3 findings of it are gone"), "{}", gone.errors);
    assert_eq!(ran(&["lint", "--baseline", &format!("{path}/none"), &path], "").exit, Exit::Failure);
    fs::write(&baseline, "{}").unwrap();
    assert_eq!(ran(&["lint", "--baseline", &baseline, &path], "").exit, Exit::Usage);
}

#[test]
fn flags_stand_above_the_configuration() {
    let config = "ignore: [VP106]\nfail-on: style\nseverity: {VP203: error}\n";
    let (_kept, path) = directory(&[("a.hcl", TWICE), ("lint.conf", config)]);
    let file = format!("{path}/lint.conf");
    let with = ran(&["lint", "--config", &file, "--format", "concise", &path], "");
    assert_eq!(with.exit, Exit::Findings);
    assert!(with.output.contains("error VP203") && !with.output.contains("VP106"), "{}", with.output);
    assert_eq!(ran(&["lint", "--config", &file, "--fail-on", "never", &path], "").exit, Exit::Success);
    let selected = ran(&["lint", "--config", &file, "--select", "leading-slash", "--format", "concise", &path], "");
    assert!(selected.output.ends_with("1 file, 0 errors, 0 warnings, 1 style\n"), "{}", selected.output);
    fs::write(&file, "ignore: [VX]\n").unwrap();
    let wrong = ran(&["lint", "--config", &file, &path], "");
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.errors.contains("lint.conf: \"VX\" is no rule"), "{}", wrong.errors);
    assert_eq!(ran(&["lint", "--select", "VX", &path], "").exit, Exit::Usage);
    assert_eq!(ran(&["lint", "--fail-on", "bad", &path], "").exit, Exit::Usage);
}

#[test]
fn standard_input_can_have_a_name() {
    let named =
        ran(&["lint", "--stdin-filename", "roles/app.json", "--format", "concise", "-"], "{\"token_polices\": []}");
    assert!(named.output.contains("roles/app.json:1:2: error VK121"), "{}", named.output);
}

#[test]
fn statistics_and_rules_are_printed() {
    let counted = ran(&["lint", "--statistics", "--fail-on", "never", "-"], TWICE);
    assert!(counted.output.starts_with("     1  VP104 leading-slash\n"), "{}", counted.output);
    let all = ran(&["rules"], "");
    assert_eq!(all.output.lines().count(), crate::rules::ALL.len());
    let page = ran(&["rules", "ineffective-deny"], "");
    assert!(page.output.starts_with("# VP302 `ineffective-deny`\n"), "{}", page.output);
    let json: serde_json::Value =
        serde_json::from_str(&ran(&["rules", "--format", "json", "vp302"], "").output).unwrap();
    assert_eq!((json["rules"][0]["code"].as_str(), json["rules"][0]["fix"].as_str()), (Some("VP302"), Some("no")));
    let unknown = ran(&["rules", "inefective-deny"], "");
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(unknown.errors.contains("did you mean ineffective-deny?"), "{}", unknown.errors);
    assert!(ran(&["rules", "VL101"], "").errors.contains("is left out: needs a live server"));
}

#[test]
fn what_compile_writes_can_be_looked_at_without_files() {
    let stream = ran(&["compile", "--audience", ""], MANIFESTS).output;
    let looked = ran(&["lint", "--format", "concise", "-"], &stream);
    assert!(looked.output.contains("roles/web.json:9:3: warning VK106"), "{}", looked.output);
    assert!(looked.output.ends_with("4 files, 0 errors, 2 warnings\n"), "{}", looked.output);
    let clean = ran(&["lint", "-"], &ran(&["compile"], MANIFESTS).output);
    assert_eq!(clean.output, "4 files, 0 errors, 0 warnings\n");
}

#[test]
fn a_file_that_is_nothing_is_named() {
    let (_kept, path) = directory(&[("package.json", "{\"name\": \"x\"}")]);
    let named = ran(&["lint", &format!("{path}/package.json")], "");
    assert!(named.errors.contains("package.json is neither a policy"), "{}", named.errors);
    assert_eq!(ran(&["lint", &path], "").errors, "");
}
