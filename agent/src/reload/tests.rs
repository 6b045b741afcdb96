use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use blinkchamber_contract::config::ReloadAction;

use super::{Pace, Reloader, check};

mod commands;
mod requests;
mod signals;

/// Fast enough for a test.
const PACE: Pace = Pace {
    quiet: Duration::from_millis(60),
    longest_wait: Duration::from_millis(300),
    first_retry: Duration::from_millis(40),
    retries: 3,
    command_limit: Duration::from_millis(800),
    http_limit: Duration::from_millis(400),
};
/// How long something may take before it is taken for missing; no test waits for it to pass.
const LONG: Duration = Duration::from_secs(60);

fn command(argv: &[&str]) -> ReloadAction {
    ReloadAction::Command { argv: argv.iter().map(|text| (*text).to_owned()).collect() }
}

fn shell(script: &str) -> ReloadAction {
    command(&["/bin/sh", "-c", script])
}

fn signal(signal: &str, process: &str) -> ReloadAction {
    ReloadAction::Signal { signal: signal.into(), process: process.into() }
}

fn http(method: &str, url: &str) -> ReloadAction {
    ReloadAction::Http { method: method.into(), url: url.into() }
}

fn reloader(actions: &[(&str, &[ReloadAction])]) -> Reloader {
    let actions = actions.iter().map(|(path, actions)| (PathBuf::from(path), actions.to_vec()));
    Reloader::with_pace(actions.collect::<BTreeMap<_, _>>(), PACE, None)
}

impl Reloader {
    /// Waits until nothing is to be done any more, repetitions included; at most `limit`. True when all is done.
    async fn finish(&self, limit: Duration) -> bool {
        let all = async {
            for group in &self.groups {
                group.idle().await;
            }
        };
        tokio::time::timeout(limit, all).await.is_ok()
    }
}

fn paths(paths: &[&str]) -> Vec<PathBuf> {
    paths.iter().map(PathBuf::from).collect()
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(LONG, wait).await.is_ok(), "not within {LONG:?}: {what}");
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn what_can_never_work_is_refused_with_what_is_accepted() {
    for (action, expected) in [
        (signal("SIGNOPE", "app"), "signal \"SIGNOPE\" is not known; use a name such as HUP"),
        (signal("HUP", ""), "no process is named"),
        (command(&[]), "empty"),
        (command(&[""]), "empty"),
        (http("DELETE", "http://localhost/"), "GET, POST or PUT"),
        (http("GET", "https://localhost/"), "only http://"),
        (http("GET", "localhost:80"), "only http://"),
        (http("GET", "http://user:hunter2@localhost/?token=hunter3"), "leave them out"),
        (http("GET", "not a url"), "not a URL"),
    ] {
        let error = check(&action).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("hunter"), "{error}");
        assert!(error.is_permanent());
    }
    for action in [
        signal("SIGHUP", "app"),
        signal("usr1", "app"),
        command(&["true"]),
        http("post", "http://127.0.0.1:9090/-/reload"),
        http("GET", "http://[::1]:80"),
    ] {
        check(&action).unwrap();
    }
}

#[tokio::test]
async fn an_action_of_several_files_runs_once_and_late_changes_are_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let action = shell(&format!("echo run >> {}", log.display()));
    let reloader = reloader(&[("/a", std::slice::from_ref(&action)), ("/b", std::slice::from_ref(&action))]);
    reloader.changed(&paths(&["/a", "/b", "/unknown"]));
    // The first one is taken note of before the second one comes.
    tokio::task::yield_now().await;
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    assert_eq!(lines(&log), ["run"]);
    reloader.changed(&paths(&["/b"]));
    assert!(reloader.finish(LONG).await);
    assert_eq!(lines(&log).len(), 2);
    let status = reloader.status();
    assert_eq!((status.len(), status[0].succeeded, status[0].failed), (1, 2, 0));
}

#[tokio::test]
async fn changes_that_keep_coming_do_not_put_a_run_off_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    // It is never quiet for long enough.
    let pace = Pace { quiet: 10 * LONG, ..PACE };
    let actions = [(PathBuf::from("/a"), vec![shell(&format!("echo run >> {}", log.display()))])];
    let reloader = Reloader::with_pace(actions.into(), pace, None);
    until("ran while changes were still coming", || {
        reloader.changed(&paths(&["/a"]));
        !lines(&log).is_empty()
    })
    .await;
}

#[tokio::test]
async fn actions_of_a_file_run_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let step = |word: &str, wait: &str| shell(&format!("sleep {wait}; echo {word} >> {}", log.display()));
    let actions = [step("first", "0.2"), step("second", "0.05"), step("third", "0")];
    let reloader = reloader(&[("/a", &actions)]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    assert_eq!(lines(&log), ["first", "second", "third"]);
}

#[tokio::test]
async fn an_action_that_hangs_keeps_no_other_file_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let quick = shell(&format!("echo quick >> {}", log.display()));
    let reloader = reloader(&[("/slow", &[command(&["sleep", "600"])]), ("/quick", &[quick])]);
    reloader.changed(&paths(&["/slow", "/quick"]));
    until("the other one runs", || lines(&log) == ["quick"]).await;
}

#[tokio::test]
async fn what_is_under_way_comes_to_its_end_without_the_reloader() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let reloader = reloader(&[("/a", &[shell(&format!("echo run >> {}", log.display()))])]);
    reloader.changed(&paths(&["/a"]));
    drop(reloader);
    until("it runs", || lines(&log) == ["run"]).await;
}

#[tokio::test]
async fn a_failed_action_is_repeated_then_given_up_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let works_third = format!("echo x >> {0}; test $(wc -l < {0}) -ge 3", log.display());
    let reloader = reloader(&[("/a", &[shell(&works_third)]), ("/b", &[command(&["false"])])]);
    reloader.changed(&paths(&["/a", "/b"]));
    assert!(reloader.finish(LONG).await);
    let status = reloader.status();
    assert_eq!((status[0].succeeded, status[0].failed, &status[0].last_error), (1, 2, &None));
    assert_eq!((status[1].succeeded, status[1].failed), (0, 1 + u64::from(PACE.retries)));
    assert_eq!(status[1].last_error.as_deref(), Some("\"false\" ended with exit code 1"));
}

#[tokio::test]
async fn what_can_never_work_is_not_repeated() {
    let reloader = reloader(&[("/a", &[signal("NOPE", "app")])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    assert_eq!(reloader.status()[0].failed, 1);
}

#[tokio::test]
async fn each_is_tried_once_before_an_end_that_does_not_wait_for_repetitions() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let slow = shell(&format!("sleep 0.4; echo done >> {}", log.display()));
    let reloader = reloader(&[("/slow", &[slow]), ("/fails", &[command(&["false"])])]);
    reloader.changed(&paths(&["/slow", "/fails"]));
    let (slow, fails) = (reloader.ended(Path::new("/slow")).unwrap(), reloader.ended(Path::new("/fails")).unwrap());
    assert!(reloader.ended(Path::new("/unknown")).is_none() && !reloader.has_actions(Path::new("/unknown")));
    reloader.tried().await;
    assert_eq!(lines(&log), ["done"]);
    assert!(slow.await && !fails.await);
}
