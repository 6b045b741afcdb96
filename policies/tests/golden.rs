//! The compiler's output, byte for byte.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::fs;
use std::path::Path;

use blinkchamber_policies::compile::{CompileOptions, compile};
use blinkchamber_policies::lint::{LintOptions, check};
use blinkchamber_policies::output::{to_stream, write_directory};

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every file below a directory, by its path.
fn files(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["policies", "roles"] {
        for entry in fs::read_dir(directory.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            found.push((
                path.strip_prefix(directory).unwrap().display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    found.push(("index.json".to_owned(), fs::read_to_string(directory.join("index.json")).unwrap()));
    found.sort();
    found
}

/// After a wanted change: compile -f policies/tests/golden/shop.yaml --out policies/tests/golden/shop
#[test]
fn compiled_files_are_the_committed_ones() {
    let text = fs::read_to_string(golden().join("shop.yaml")).unwrap();
    let compiled = compile(&[("shop.yaml".to_owned(), text)], &CompileOptions::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), &compiled).unwrap();
    assert_eq!(files(directory.path()), files(&golden().join("shop")));
}

/// What the compiler writes, with the roles and the manifests that it came from, has no finding at all.
#[test]
fn the_linter_has_nothing_to_say_of_compiled_files() {
    let text = fs::read_to_string(golden().join("shop.yaml")).unwrap();
    let mut options = CompileOptions::default();
    options.audience = "vault".to_owned();
    let compiled = compile(&[("shop.yaml".to_owned(), text.clone())], &options).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), &compiled).unwrap();
    let mut written = files(directory.path());
    written.push(("shop.yaml".to_owned(), text));
    let mut options = LintOptions::default();
    options.kv2.insert("secret".to_owned());
    assert_eq!(check(&written, &options), []);
    written.retain(|(name, _)| name != "policies/web-policy.hcl");
    let codes: Vec<_> = check(&written, &options).iter().map(|one| one.finding.rule.code).collect();
    assert_eq!(codes, ["VK115"], "a policy that is gone is missed");
}

#[test]
fn neither_order_nor_place_of_the_documents_shows() {
    let text = fs::read_to_string(golden().join("shop.yaml")).unwrap();
    let mut documents: Vec<_> = text.split("---\n").filter(|document| !document.is_empty()).collect();
    let forward = compile(&[("a.yaml".to_owned(), text.clone())], &CompileOptions::default()).unwrap();
    documents.reverse();
    let files: Vec<_> = documents.iter().map(|one| ("/elsewhere/b.yaml".to_owned(), (*one).to_owned())).collect();
    let backward = compile(&files, &CompileOptions::default()).unwrap();
    assert_eq!(to_stream(&forward).unwrap(), to_stream(&backward).unwrap());
}
