use super::*;

const LOOSE: &str = "path \"a\"\n{capabilities=[\"read\"]}";
const NEAT: &str = "path \"a\" {\n  capabilities = [\"read\"]\n}\n";

#[test]
fn files_are_laid_out_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let (loose, neat) = (directory.path().join("loose.hcl"), directory.path().join("neat.hcl"));
    fs::write(&loose, LOOSE).unwrap();
    fs::write(&neat, NEAT).unwrap();
    let folder = directory.path().to_str().unwrap();
    let checked = ran(&["fmt", "--check", folder], "");
    assert_eq!((checked.exit, checked.output), (Exit::Findings, format!("{}\n", loose.display())));
    let shown = ran(&["fmt", "--diff", folder], "");
    assert_eq!(shown.exit, Exit::Findings);
    assert!(shown.output.contains("\n-{capabilities=[\"read\"]}\n"), "{}", shown.output);
    assert_eq!(fs::read_to_string(&loose).unwrap(), LOOSE, "nothing is written");
    let written = ran(&["fmt", folder], "");
    assert_eq!((written.exit, written.output), (Exit::Success, format!("{}\n", loose.display())));
    assert_eq!(fs::read_to_string(&loose).unwrap(), NEAT);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside");
    assert_eq!(ran(&["fmt", "--check", folder], "").exit, Exit::Success);
}

#[test]
fn standard_input_is_printed_laid_out() {
    let piped = ran(&["fmt", "-"], LOOSE);
    assert_eq!((piped.exit, piped.output.as_str()), (Exit::Success, NEAT));
}

#[test]
fn what_has_errors_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.hcl");
    fs::write(&path, "a = x\nb = y\n").unwrap();
    let failed = ran(&["fmt", path.to_str().unwrap()], "");
    assert_eq!(failed.exit, Exit::Findings);
    assert_eq!(failed.errors.lines().count(), 2, "{}", failed.errors);
    assert!(failed.errors.contains("a.hcl:2:5: "), "{}", failed.errors);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a = x\nb = y\n");
    assert_eq!(ran(&["fmt", "-"], "{\"path\":{}}").exit, Exit::Findings, "JSON has no layout here");
    assert_eq!(ran(&["fmt", "/nowhere/a.hcl"], "").exit, Exit::Failure);
}
