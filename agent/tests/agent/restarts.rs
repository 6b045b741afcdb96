//! What outlives a kill and another configuration: who was told, and which files are the agent's.

use std::fs;

use serde_json::{Value, json};

use crate::{
    bao::Bao,
    process::{PATIENCE, Setup, wait},
};

const PASSWORD: &str = r#"{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}"#;

/// An agent with a home, a generation directory `volume` and an action on `volume/out`.
fn setup(bao: &Bao, action: &str) -> Setup {
    let setup = Setup::new(&bao.address(), "root").template("volume/out", PASSWORD);
    let (home, volume, out) = (setup.text("home"), setup.text("volume"), setup.text("volume/out"));
    fs::create_dir(&home).unwrap();
    let reload = json!({ out: [{ "command": { "argv": ["/bin/sh", "-c", action] } }] });
    setup.configure("blinkchamber", json!({ "home": home, "generations": [volume], "reload": reload }))
}

fn status(setup: &Setup) -> Value {
    let output = setup.run(&["status", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn lines(setup: &Setup, name: &str) -> usize {
    setup.read(name).unwrap_or_default().lines().count()
}

#[test]
fn who_was_not_told_before_a_kill_is_told_once_after_it() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let place = tempfile::tempdir().unwrap();
    let (gate, told) = (place.path().join("gate"), place.path().join("told"));
    let action = format!("test -e {} && echo told >> {}", gate.display(), told.display());
    let setup = setup(&bao, &action);
    let agent = setup.start();
    wait("an attempt has failed", PATIENCE, || status(&setup)["reloads"][0]["failed"].as_u64().unwrap_or_default() > 0);
    assert_eq!(setup.read("volume/out").as_deref(), Some("one"), "the file is in place before anybody is told");
    let before = setup.identity("volume/out");
    // Dropping it is kill -9.
    drop(agent);
    fs::write(&gate, "").unwrap();
    let count = || fs::read_to_string(&told).unwrap_or_default().lines().count();
    for _ in 0..2 {
        let agent = setup.start();
        wait("the files are in place", PATIENCE, || setup.run(&["ready"]).status.code() == Some(0));
        wait("the action has run", PATIENCE, || count() == 1);
        assert_eq!(setup.run(&["refresh"]).status.code(), Some(0));
        wait("it is noted", PATIENCE, || {
            setup.read("home/files.json").is_some_and(|text| text.contains(r#""told":true"#))
        });
        drop(agent);
    }
    let runs = status_of_a_third_start(&setup);
    assert_eq!((runs, count()), (0, 1), "who knows is not told again");
    assert_eq!(setup.identity("volume/out"), before, "the file did not change");
}

/// How often the action ran or failed in an agent that has had the time for it.
fn status_of_a_third_start(setup: &Setup) -> u64 {
    let _agent = setup.start();
    wait("the files are in place", PATIENCE, || setup.run(&["ready"]).status.code() == Some(0));
    let reloads = status(setup)["reloads"][0].clone();
    reloads["succeeded"].as_u64().unwrap() + reloads["failed"].as_u64().unwrap()
}

#[test]
fn files_of_templates_that_are_gone_go_and_nobody_elses() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let written = r#"{{ "late" | writeToFile "PLACE/volume/written" "" "" "0600" }}main"#;
    let mut setup = setup(&bao, "true").template("volume/old/key", PASSWORD).template("plain", PASSWORD);
    let written = written.replace("PLACE", setup.path("").to_str().unwrap().trim_end_matches('/'));
    setup = setup.template("volume/main", &written).template("edited", PASSWORD);
    let agent = setup.start();
    for name in ["volume/out", "volume/old/key", "plain", "edited"] {
        setup.wait_for(name, "one");
    }
    setup.wait_for("volume/written", "late");
    fs::write(setup.path("volume/foreign"), "theirs").unwrap();
    fs::remove_file(setup.path("edited")).unwrap();
    fs::write(setup.path("edited"), "theirs").unwrap();

    // All but `volume/out` and `volume/main`, in a running agent.
    let all = setup.config["template"].clone();
    let named =
        |end: &str| all.as_array().unwrap().iter().find(|one| one["destination"].as_str().unwrap().ends_with(end));
    setup.config["template"] = json!([named("volume/out"), named("volume/main")]);
    setup.write_config();
    agent.signal("HUP");
    wait("what is not wanted is gone", PATIENCE, || {
        !setup.path("volume/old").exists() && !setup.path("plain").exists()
    });
    setup.wait_for("volume/out", "one");
    let kept = ["volume/out", "volume/main", "volume/written", "volume/foreign", "edited"];
    assert!(kept.iter().all(|name| setup.path(name).exists()), "{}", setup.log());
    assert!(fs::symlink_metadata(setup.path("volume/old")).is_err(), "no name that leads nowhere");

    // All but `volume/out`, in one that was killed.
    drop(agent);
    setup.config["template"] = json!([named("volume/out")]);
    let _agent = setup.start();
    wait("what is not wanted is gone", PATIENCE, || {
        !setup.path("volume/main").exists() && !setup.path("volume/written").exists()
    });
    assert!(["volume/out", "volume/foreign", "edited"].iter().all(|name| setup.path(name).exists()));
}

#[test]
fn without_a_home_only_a_running_agent_knows_what_is_its_own() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let mut setup = Setup::new(&bao.address(), "root").template("a", PASSWORD).template("b", PASSWORD);
    let both = setup.config["template"].clone();
    let agent = setup.start();
    setup.wait_for("b", "one");
    drop(agent);
    setup.config["template"] = json!([both[0]]);
    let agent = setup.start();
    setup.wait_for("a", "one");
    bao.put("app", json!({ "password": "two" }));
    setup.wait_for("a", "two");
    assert_eq!(setup.read("b").as_deref(), Some("one"), "who wrote it is not known");
    setup.config["template"] = json!([]);
    setup.write_config();
    agent.signal("HUP");
    wait("its own is gone", PATIENCE, || !setup.path("a").exists());
    assert!(setup.path("b").exists());
}

#[test]
fn an_init_container_waits_for_its_action_and_not_for_repetitions() {
    let bao = Bao::start();
    bao.put("app", json!({ "password": "one" }));
    let mut slow = setup(&bao, "").configure("exit_after_auth", json!(true));
    let action = format!("sleep 3; echo done >> {}", slow.text("done"));
    let out = slow.text("volume/out");
    slow.config["blinkchamber"]["reload"][&out][0]["command"]["argv"][2] = json!(action);
    assert_eq!(slow.run(&[]).status.code(), Some(0));
    assert_eq!(lines(&slow, "done"), 1);
    assert!(slow.read("home/files.json").unwrap().contains(r#""told":true"#));

    slow.config["blinkchamber"]["reload"][&out][0]["command"]["argv"][2] =
        json!(format!("echo tried >> {}; exit 1", slow.text("tries")));
    bao.put("app", json!({ "password": "two" }));
    assert_eq!(slow.run(&[]).status.code(), Some(0), "files are what an init container is for");
    assert_eq!(slow.read("volume/out").as_deref(), Some("two"));
    assert_eq!(lines(&slow, "tries"), 1);
    assert!(slow.read("home/files.json").unwrap().contains(r#""told":false"#));
}
