use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use tempfile::TempDir;

use super::{LONG, lines, paths, reloader, signal, until};

/// A program of this name that writes down which signals it gets. Not HUP: a shell cannot trap what its caller ignores, and
/// `nohup` does.
struct App {
    directory: TempDir,
    child: Child,
}

impl App {
    async fn start(name: &str, more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join(name);
        let log = directory.path().join("log");
        let script = format!(
            "#!/bin/sh\ntrap 'echo USR2 >> {0}' USR2\ntrap 'echo USR1 >> {0}' USR1\n{more}\necho ready >> {0}\n\
             while :; do sleep 0.02; done\n",
            log.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let child = spawn(&program);
        let app = Self { directory, child };
        app.until("ready", 1).await;
        app
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Waits until a word was written this often.
    async fn until(&self, word: &str, times: usize) {
        for _ in 0..500 {
            if lines(&self.log()).iter().filter(|line| *line == word).count() == times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no {times} times {word}: {:?}", lines(&self.log()));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A file that was just written may still be open for writing in a child of another test's thread.
fn spawn(program: &Path) -> Child {
    for _ in 0..100 {
        match Command::new(program).spawn() {
            Ok(child) => return child,
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{} stays busy", program.display());
}

#[tokio::test]
async fn a_real_process_gets_the_signal_by_its_name() {
    let name = format!("app-{}-one", std::process::id());
    let app = App::start(&name, "").await;
    let reloader = reloader(&[("/a", &[signal("SIGUSR2", &name)]), ("/b", &[signal("usr1", &name)])]);
    reloader.changed(&paths(&["/a"]));
    app.until("USR2", 1).await;
    reloader.changed(&paths(&["/b"]));
    app.until("USR1", 1).await;
    assert!(reloader.finish(LONG).await);
    let status = reloader.status();
    assert_eq!(status.iter().map(|status| (status.succeeded, status.failed)).collect::<Vec<_>>(), [(1, 0), (1, 0)]);
    assert_eq!(lines(&app.log()), ["ready", "USR2", "USR1"]);
}

#[tokio::test]
async fn a_child_with_the_same_name_is_left_to_its_parent() {
    let name = format!("app-{}-two", std::process::id());
    // The subshell is the same program; it would write a second line.
    let app = App::start(&name, "(while kill -0 $$ 2>/dev/null; do sleep 0.02; done) &").await;
    let reloader = reloader(&[("/a", &[signal("USR2", &name)])]);
    reloader.changed(&paths(&["/a"]));
    app.until("USR2", 1).await;
    assert!(reloader.finish(LONG).await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(lines(&app.log()), ["ready", "USR2"]);
}

#[tokio::test]
async fn an_application_that_starts_after_the_change_is_left_alone() {
    let name = format!("app-{}-three", std::process::id());
    let mut pace = super::PACE;
    pace.retries = 40;
    pace.first_retry = Duration::from_millis(1);
    let actions = [(PathBuf::from("/a"), vec![signal("USR2", &name)])];
    let reloader = super::Reloader::with_pace(actions.into(), pace, None);
    reloader.changed(&paths(&["/a"]));
    until("it is missed", || reloader.status()[0].last_error.is_some()).await;
    let error = reloader.status()[0].last_error.clone().unwrap();
    assert!(error.starts_with(&format!("no process named {name:?} is running")), "{error}");
    let app = App::start(&name, "").await;
    assert!(reloader.finish(LONG).await);
    assert_eq!((reloader.status()[0].succeeded, &reloader.status()[0].last_error), (1, &None));
    // It has read the new file. Of the next change it is told.
    reloader.changed(&paths(&["/a"]));
    app.until("USR2", 1).await;
    assert!(reloader.finish(LONG).await);
    assert_eq!(lines(&app.log()), ["ready", "USR2"]);
}
