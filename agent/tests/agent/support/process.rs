//! The agent's program, in a directory of its own.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take before it is taken for missing; no test waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What the agent is told and where it works.
pub(crate) struct Setup {
    directory: TempDir,
    pub(crate) config: Value,
    variables: Vec<(&'static str, String)>,
}

impl Setup {
    /// An agent of this server that uses a token from a file.
    pub(crate) fn new(address: &str, token: &str) -> Self {
        let setup = Self::with_method(address, "token_file", json!({}));
        fs::write(setup.path("token"), token).unwrap();
        let file = setup.text("token");
        setup.configure(
            "auto_auth",
            json!({ "method": { "type": "token_file", "config": { "token_file_path": file } } }),
        )
    }

    /// An agent of this server that logs in by AppRole.
    pub(crate) fn app_role(address: &str, (role, secret): &(String, String)) -> Self {
        let setup = Self::with_method(address, "approle", json!({}));
        fs::write(setup.path("role"), role).unwrap();
        fs::write(setup.path("secret"), secret).unwrap();
        let config = json!({
            "role_id_file_path": setup.text("role"), "secret_id_file_path": setup.text("secret"),
            "remove_secret_id_file_after_reading": false,
        });
        setup.configure("auto_auth", json!({ "method": { "type": "approle", "config": config, "max_backoff": "2s" } }))
    }

    fn with_method(address: &str, kind: &str, config: Value) -> Self {
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let directory = tempfile::tempdir_in(base).unwrap();
        let config = json!({
            "vault": { "address": address },
            "auto_auth": { "method": { "type": kind, "config": config } },
            "template": [],
            "template_config": { "static_secret_render_interval": "1s" },
        });
        Self { directory, config, variables: Vec::new() }
    }

    /// Sets a key at the top.
    pub(crate) fn configure(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Has the token written to the file `sink`.
    pub(crate) fn with_sink(self) -> Self {
        let sink = json!([{ "type": "file", "config": { "path": self.text("sink") } }]);
        let mut auth = self.config["auto_auth"].clone();
        auth["sink"] = sink;
        self.configure("auto_auth", auth)
    }

    /// One more file.
    pub(crate) fn template(mut self, name: &str, contents: &str) -> Self {
        let destination = self.text(name);
        let template = json!({ "contents": contents, "destination": destination, "perms": "0640" });
        self.config["template"].as_array_mut().unwrap().push(template);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// What a file holds now.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// What tells whether a file was written again.
    pub(crate) fn identity(&self, name: &str) -> (u64, i64, i64) {
        let metadata = fs::metadata(self.path(name)).unwrap();
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, content: &str) {
        let mut found = None;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            found = self.read(name);
            if found.as_deref() == Some(content) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{name} is {found:?} instead of {content:?}; the agent says:\n{}", self.log());
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait(&format!("{text:?} in the log"), PATIENCE, || self.log().contains(text));
    }

    pub(crate) fn log(&self) -> String {
        self.read("log").unwrap_or_default()
    }

    /// Writes the configuration.
    pub(crate) fn write_config(&self) {
        fs::write(self.path("config.json"), self.config.to_string()).unwrap();
    }

    /// Starts the agent; its log is added to the file `log`.
    pub(crate) fn start(&self) -> Agent {
        self.write_config();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let child = self.command(&[]).stderr(log).stdout(Stdio::null()).spawn().unwrap();
        Agent { child }
    }

    /// Runs a command of the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.write_config();
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blinkchamber-agent"));
        command.args(arguments).arg(format!("-config={}", self.text("config.json"))).stdin(Stdio::null());
        for name in UNSET {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// What whoever runs the tests may have set for a server of theirs.
const UNSET: [&str; 9] = [
    "VAULT_ADDR",
    "BAO_ADDR",
    "VAULT_NAMESPACE",
    "VAULT_CACERT",
    "VAULT_SKIP_VERIFY",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// A running agent; it is killed when dropped.
pub(crate) struct Agent {
    child: Child,
}

impl Agent {
    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the agent does not end");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn wait(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
