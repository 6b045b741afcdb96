//! What is told, and when the next replica may.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use blinkchamber_contract::config::ReloadAction;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

use super::{ApiServer, Guard, Shared, TIMES, credentials, settings};
use crate::reload::{Pace, Reloader};

const FILE: &str = "/vault/secrets/db";

/// Says what it finds in `log` and who holds the Lease each time it is asked, and is ready the third time.
async fn application(log: PathBuf, api: Arc<ApiServer>) -> (String, Shared<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ready", listener.local_addr().unwrap());
    let seen = Shared::<Vec<String>>::default();
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 1024];
            // What is asked does not matter, as long as something is.
            assert!(stream.read(&mut buffer).await.unwrap() > 0);
            let log = fs::read_to_string(&log).unwrap_or_default();
            let count = {
                let mut told = told.lock().unwrap();
                told.push(format!("{} {}", log.trim(), api.holder()));
                told.len()
            };
            let status = if count < 3 { "503 Not yet" } else { "200 OK" };
            stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok();
        }
    });
    (url, seen)
}

/// A program of this name that takes a while to end when it is told to.
fn program(directory: &Path, name: &str) -> Child {
    let path = directory.join(name);
    let log = directory.join("log");
    let script = format!(
        "#!/bin/sh\ntrap 'sleep 0.3; echo ended >> {0}; exit 0' TERM\necho up >> {0}\nwhile :; do sleep 0.02; done\n",
        log.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Command::new("/bin/sh").arg(&path).stdin(Stdio::null()).spawn().unwrap()
}

fn reloader(action: ReloadAction, guard: Guard) -> Reloader {
    let pace = Pace { quiet: Duration::from_millis(20), ..Pace::default() };
    Reloader::with_pace([(PathBuf::from(FILE), vec![action])].into(), pace, Some(guard))
}

#[tokio::test]
async fn the_lease_is_let_go_when_the_process_has_ended_and_the_application_is_ready_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let api = Arc::new(ApiServer::start(None).await);
    let credentials = credentials("shop-0");
    let (url, seen) = application(log.clone(), Arc::clone(&api)).await;
    let name = format!("app-{}-told", std::process::id());
    let mut child = program(directory.path(), &name);
    while !fs::read_to_string(&log).unwrap_or_default().contains("up") {
        sleep(Duration::from_millis(5)).await;
    }
    let mut settings = settings(&api.url, credentials.path());
    settings.ready_url = Some(url);
    let action = ReloadAction::Signal { signal: "TERM".into(), process: name };
    let reloader = reloader(action, Guard::with_times(settings, TIMES));
    reloader.changed(&[PathBuf::from(FILE)]);
    // The kubelet's part: a process that nobody waits for stays.
    let reaped = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(reloader.ended(Path::new(FILE)).unwrap().await);
    assert!(reaped.await.unwrap().success());
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, ["up\nended shop-0"; 3], "asked after the end, while the lease is held");
    while !api.holder().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let status = reloader.status();
    assert_eq!((status[0].succeeded, status[0].failed, &status[0].waits_for), (1, 0, &None));
}

#[tokio::test]
async fn an_application_that_does_not_come_back_is_told_of_once_and_lets_the_others_go_on() {
    let api = Arc::new(ApiServer::start(None).await);
    let credentials = credentials("shop-0");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut settings = settings(&api.url, credentials.path());
    settings.ready_url = Some(format!("http://{closed}/ready"));
    settings.ready_timeout = Duration::from_millis(200);
    let action = ReloadAction::Command { argv: vec!["true".to_owned()] };
    let reloader = reloader(action, Guard::with_times(settings, TIMES));
    reloader.changed(&[PathBuf::from(FILE)]);
    assert!(!reloader.ended(Path::new(FILE)).unwrap().await);
    let status = reloader.status();
    let error = status[0].last_error.clone().unwrap();
    assert!(error.starts_with("told, but not back within 0.2 s: GET http://127.0.0.1"), "{error}");
    assert_eq!((status[0].succeeded, status[0].failed), (0, 1));
    assert_eq!(api.holder(), "");
}

#[tokio::test]
async fn the_status_says_what_is_waited_for() {
    let api = Arc::new(ApiServer::start(Some(super::held_by("shop-1", 3600))).await);
    let credentials = credentials("shop-0");
    let guard = Guard::with_times(settings(&api.url, credentials.path()), TIMES);
    let reloader = reloader(ReloadAction::Command { argv: vec!["true".to_owned()] }, guard);
    reloader.changed(&[PathBuf::from(FILE)]);
    while reloader.status()[0].waits_for.as_deref() != Some("lease shop-reload: held by shop-1") {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(reloader.status()[0].succeeded, 0);
    api.set(super::held_by("", 1));
    assert!(reloader.ended(Path::new(FILE)).unwrap().await);
    assert_eq!((reloader.status()[0].succeeded, &reloader.status()[0].waits_for), (1, &None));
}
