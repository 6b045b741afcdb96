use std::fs;

use super::{LONG, command, lines, paths, reloader, shell, until};

#[tokio::test]
async fn arguments_are_not_for_a_shell() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("$HOME; a * b");
    let reloader = reloader(&[("/a", &[command(&["touch", odd.to_str().unwrap()])])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    assert!(odd.exists());
}

#[tokio::test]
async fn a_failure_tells_the_code_and_neither_words_nor_arguments() {
    let script = "echo first >&2; printf 'last\\007 line\\n\\n' >&2; echo output; exit 7";
    let reloader = reloader(&[("/a", &[shell(script)])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    let status = reloader.status();
    assert_eq!(status[0].action, "command /bin/sh");
    assert_eq!(status[0].last_error.as_deref(), Some("\"/bin/sh\" ended with exit code 7"));
}

#[tokio::test]
async fn a_flood_on_standard_error_neither_blocks_nor_is_kept() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done; \
                  head -c 1000 /dev/zero | tr '\\0' x >&2; exit 1";
    let mut pace = super::PACE;
    pace.command_limit = LONG;
    pace.retries = 0;
    let actions = [(std::path::PathBuf::from("/a"), vec![shell(script)])];
    let reloader = super::Reloader::with_pace(actions.into(), pace, None);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    let error = reloader.status()[0].last_error.clone().unwrap();
    assert_eq!(error, "\"/bin/sh\" ended with exit code 1");
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
    let mut pace = super::PACE;
    pace.retries = 0;
    let actions = [(std::path::PathBuf::from("/a"), vec![shell(&script)])];
    let reloader = super::Reloader::with_pace(actions.into(), pace, None);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await, "not waited for to its end");
    let error = reloader.status()[0].last_error.clone().unwrap();
    assert!(error.contains("was killed after 0.8 s"), "{error}");
    let child = lines(&pid)[0].clone();
    let state = || fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let gone = || state().is_empty() || state().contains(") Z ");
    until("the child is gone too", gone).await;
}

#[tokio::test]
async fn a_program_left_behind_with_our_pipe_does_not_hold_us() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; exit 3", pid.display());
    let pace = super::Pace { retries: 0, ..super::PACE };
    let actions = [(std::path::PathBuf::from("/a"), vec![shell(&script)])];
    let reloader = super::Reloader::with_pace(actions.into(), pace, None);
    reloader.changed(&paths(&["/a"]));
    let finished = reloader.finish(LONG).await;
    std::process::Command::new("kill").args(lines(&pid)).status().unwrap();
    assert!(finished, "not waited for to its end");
    assert!(reloader.status()[0].last_error.as_deref().unwrap().ends_with("exit code 3"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let reloader = reloader(&[("/a", &[command(&["/no/such/program", "--password=hunter2"])])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    let error = reloader.status()[0].last_error.clone().unwrap();
    assert!(error.starts_with("cannot start \"/no/such/program\": No such file"), "{error}");
    assert!(!error.contains("hunter2"));
}
