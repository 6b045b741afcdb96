//! The agent beside `bao agent`: same server, same configuration, AppRole login, templates onto tmpfs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use blinkchamber_test_tools::{bao_dev, tool};
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::machine::{Running, median, ours, seconds_until, size};
use crate::table::{Peer, Table};

const PORT: u16 = 18_200;
const MANY: usize = 500;
const RUNS: usize = 5;
/// One poll cycle of a 60 s interval, and the time the peer needs to work it off.
const CYCLE: Duration = Duration::from_secs(100);
const LIMIT: Duration = Duration::from_secs(60);

struct Figures {
    start: f64,
    cpu: f64,
    resident: f64,
    anonymous: f64,
    cycle: f64,
}

/// Adds the agent's rows.
pub(crate) fn measure(table: &mut Table) {
    let scratch = scratch();
    let server = Server::start(&scratch);
    let (bao, agent) = (tool("bao"), ours("agent", "blinkchamber-agent"));
    let mine = |config: &Path| {
        let mut command = Command::new(&agent);
        command.arg("run").arg(format!("-config={}", config.display()));
        command
    };
    let (theirs, own) = (server.figures(&peer, 1, None), server.figures(&mine, 1, None));
    table.less("agent, 1 template: resident memory", "MB", Peer::Live(theirs.resident), own.resident);
    table.less("agent, 1 template: anonymous part of it", "MB", Peer::Live(theirs.anonymous), own.anonymous);
    table.less("agent binary", "MB", Peer::Live(size(&bao)), size(&agent));
    table.less("agent, 1 template: start to file", "ms", Peer::Live(theirs.start * 1e3), own.start * 1e3);
    let (theirs, own) = (server.figures(&peer, MANY, Some(CYCLE)), server.figures(&mine, MANY, Some(CYCLE)));
    table.less("agent, 500 templates: start to all files", "s", Peer::Live(theirs.start), own.start);
    table.less("agent, 500 templates: CPU until then", "s", Peer::Live(theirs.cpu), own.cpu);
    table.less("agent, 500 templates: resident memory", "MB", Peer::Live(theirs.resident), own.resident);
    table.less(
        "agent, 500 templates: CPU of one poll cycle in which nothing changed",
        "s",
        Peer::Live(theirs.cycle),
        own.cycle,
    );
    drop(server);
    fs::remove_dir_all(&scratch).ok();
}

/// Resident memory of one `bao agent` with one template, in MB.
pub(crate) fn peer_memory() -> f64 {
    let scratch = scratch();
    let resident = Server::start(&scratch).figures(&peer, 1, None).resident;
    fs::remove_dir_all(&scratch).ok();
    resident
}

/// `bao agent` with a configuration.
fn peer(config: &Path) -> Command {
    let mut command = Command::new(tool("bao"));
    command.arg("agent").arg(format!("-config={}", config.display()));
    command
}

fn scratch() -> PathBuf {
    let scratch = PathBuf::from(format!("/dev/shm/blinkchamber-bench-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a scratch directory on tmpfs");
    scratch
}

struct Server {
    _process: Running,
    scratch: PathBuf,
}

impl Server {
    fn start(scratch: &Path) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let process = Running::start(&mut bao_dev(PORT, "root"));
        let server = Self { _process: process, scratch: scratch.to_owned() };
        let client = Client::new();
        seconds_until(LIMIT, || {
            client.get(format!("http://127.0.0.1:{PORT}/v1/sys/health")).send().is_ok_and(|r| r.status().is_success())
        });
        server.post("sys/auth/approle", &json!({"type": "approle"}));
        server.post("sys/policies/acl/app", &json!({"policy": "path \"secret/data/app/*\" { capabilities = [\"read\"] }\npath \"secret/metadata/app/*\" { capabilities = [\"read\", \"list\"] }\npath \"secret/detailed-metadata/app/*\" { capabilities = [\"list\"] }"}));
        server.post(
            "auth/approle/role/app",
            &json!({"token_policies": "app", "token_ttl": "1h", "token_max_ttl": "24h"}),
        );
        server.post("auth/approle/role/app/role-id", &json!({"role_id": "app"}));
        let secret = server.post("auth/approle/role/app/secret-id", &json!({}));
        fs::write(scratch.join("role_id"), "app").expect("written");
        fs::write(scratch.join("secret_id"), secret["data"]["secret_id"].as_str().expect("an id")).expect("written");
        for n in 0..MANY {
            server.post(
                &format!("secret/data/app/s{n}"),
                &json!({"data": {"username": format!("user-{n}"), "password": format!("password-{n}")}}),
            );
        }
        server
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{PORT}/v1/{path}");
        let response =
            Client::new().post(url).header("X-Vault-Token", "root").json(body).send().expect("the server answers");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().unwrap_or(Value::Null)
    }

    /// Writes a configuration with `count` templates and measures an agent on it.
    fn figures(&self, agent: &dyn Fn(&Path) -> Command, count: usize, cycle: Option<Duration>) -> Figures {
        let (mut starts, mut last) = (Vec::new(), None);
        for run in 0..RUNS {
            drop(last.take());
            let output = self.scratch.join(format!("secrets-{run}"));
            fs::remove_dir_all(&output).ok();
            let config = self.config(&output, count);
            let running = Running::start(&mut agent(&config));
            starts.push(seconds_until(LIMIT, || complete(&output, count)));
            let cpu = running.cpu();
            last = Some((running, cpu));
        }
        let (running, cpu) = last.expect("at least one run");
        std::thread::sleep(Duration::from_secs(2));
        let (resident, anonymous) = (running.memory("VmRSS"), running.memory("RssAnon"));
        let before = running.cpu();
        std::thread::sleep(cycle.unwrap_or_default());
        Figures { start: median(starts), cpu, resident, anonymous, cycle: running.cpu() - before }
    }

    fn config(&self, output: &Path, count: usize) -> PathBuf {
        let path = |name: &str| self.scratch.join(name).display().to_string();
        let templates: Vec<_> = (0..count)
            .map(|n| json!({
                "contents": format!("{{{{ with secret \"secret/data/app/s{n}\" }}}}user={{{{ .Data.data.username }}}}\npassword={{{{ .Data.data.password }}}}\n{{{{ end }}}}"),
                "destination": output.join(format!("s{n}.env")), "perms": "0640",
            }))
            .collect();
        let config = json!({
            "vault": {"address": format!("http://127.0.0.1:{PORT}")},
            // A list: the peer's reader takes an object whose first member is an object for a labelled block.
            "auto_auth": {"method": [{"type": "approle", "config": {
                "role_id_file_path": path("role_id"), "secret_id_file_path": path("secret_id"), "remove_secret_id_file_after_reading": false}}]},
            "template_config": {"static_secret_render_interval": "60s", "exit_on_retry_failure": true},
            "template": templates,
        });
        let file = self.scratch.join("agent.json");
        fs::write(&file, config.to_string()).expect("written");
        file
    }
}

/// Whether every file is there with its last line.
fn complete(output: &Path, count: usize) -> bool {
    let last = count - 1;
    fs::read_dir(output).is_ok_and(|entries| entries.count() >= count)
        && (0..count).rev().all(|n| fs::metadata(output.join(format!("s{n}.env"))).is_ok_and(|file| file.len() > 0))
        && fs::read_to_string(output.join(format!("s{last}.env")))
            .is_ok_and(|text| text.ends_with(&format!("password-{last}\n")))
}
