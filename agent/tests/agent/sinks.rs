//! Token sinks: written again until it works, and never a reason to keep anything else waiting.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    bao::Bao,
    process::{PATIENCE, Setup, wait},
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;
const FAILED: &str = "the token cannot be written to its file";

fn with_sinks(bao: &Bao, paths: &[&str]) -> Setup {
    bao.put("app", json!({ "password": "one" }));
    let setup = Setup::new(&bao.address(), "root").template("out", PASSWORD);
    let sink = |path: &&str| json!({ "type": "file", "config": { "path": setup.text(path), "mode": "0600" } });
    let sinks: Vec<Value> = paths.iter().map(sink).collect();
    let mut auth = setup.config["auto_auth"].clone();
    auth["sink"] = json!(sinks);
    setup.configure("auto_auth", auth)
}

#[test]
fn a_missing_directory_is_waited_for_and_keeps_no_other_sink_waiting() {
    let bao = Bao::start();
    let setup = with_sinks(&bao, &["later/sink", "sink"]);
    let mut agent = setup.start();
    setup.wait_for("sink", "root");
    setup.wait_for("out", "one");
    wait("it is tried again", PATIENCE, || setup.log().matches(FAILED).count() >= 2);
    assert!(setup.log().contains("later"), "the directory is named: {}", setup.log());
    assert!(agent.is_alive() && setup.read("later/sink").is_none());
    fs::create_dir(setup.path("later")).unwrap();
    setup.wait_for("later/sink", "root");
    assert_eq!(fs::metadata(setup.path("later/sink")).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn init_mode_does_not_end_without_the_token() {
    let bao = Bao::start();
    let setup = with_sinks(&bao, &["later/sink"]).configure("exit_after_auth", json!(true));
    let mut agent = setup.start();
    setup.wait_for("out", "one");
    setup.wait_for_log(FAILED);
    assert!(agent.is_alive());
    fs::create_dir(setup.path("later")).unwrap();
    assert!(agent.end().success());
    assert_eq!(setup.read("later/sink").as_deref(), Some("root"));
}

/// In a mount namespace of the agent: mounts a tmpfs on `sinks` and runs this before the agent.
fn start_with_volume(setup: &Setup, options: &str, prepare: &str) -> std::process::Child {
    fs::create_dir(setup.path("sinks")).unwrap();
    setup.write_config();
    let log = fs::File::create(setup.path("log")).unwrap();
    let volume = setup.text("sinks");
    let line = format!(
        "mount -t tmpfs -o {options} tmpfs {volume} && cd {volume} && {prepare} && cd / && exec {} -config={}",
        env!("CARGO_BIN_EXE_blinkchamber-agent"),
        setup.text("config.json")
    );
    let child = Command::new("unshare").args(["-m", "sh", "-c", &line]).stdin(Stdio::null()).stderr(log).spawn();
    child.expect("unshare can be started")
}

/// The file as the agent's mount namespace has it.
fn inside(agent: &std::process::Child, path: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", agent.id(), path.display()))
}

fn in_namespace(agent: &std::process::Child, line: &str) {
    let target = agent.id().to_string();
    let status = Command::new("nsenter").args(["-m", "-t", &target, "sh", "-c", line]).status().unwrap();
    assert!(status.success(), "{line}");
}

#[test]
fn a_full_or_read_only_volume_is_waited_for() {
    for (options, prepare, repair, told) in [
        ("size=16k", "head -c 16384 /dev/zero > big", "rm $V/big", "No space left"),
        ("size=1m", "mount -o remount,ro $PWD", "mount -o remount,rw $V", "Read-only file system"),
    ] {
        let bao = Bao::start();
        let setup = with_sinks(&bao, &["sinks/token"]);
        let mut agent = start_with_volume(&setup, options, prepare);
        setup.wait_for("out", "one");
        setup.wait_for_log(FAILED);
        assert!(setup.log().contains(told), "{}", setup.log());
        let token = inside(&agent, &setup.path("sinks/token"));
        assert!(fs::metadata(&token).is_err());
        in_namespace(&agent, &repair.replace("$V", &setup.text("sinks")));
        wait("the token is written", PATIENCE, || fs::read_to_string(&token).is_ok_and(|text| text == "root"));
        agent.kill().unwrap();
        agent.wait().unwrap();
    }
}

#[test]
fn a_wrapped_or_encrypted_sink_is_refused_with_its_key() {
    for key in ["wrap_ttl", "dh_type"] {
        let setup = Setup::new("http://127.0.0.1:1", "root");
        let mut auth = setup.config["auto_auth"].clone();
        auth["sink"] = json!([{ "type": "file", key: "5m", "config": { "path": setup.text("sink") } }]);
        let setup = setup.configure("auto_auth", auth);
        let output = setup.run(&[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(key) && told.contains("not supported"), "{told}");
    }
}
