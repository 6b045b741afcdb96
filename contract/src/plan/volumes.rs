//! The volumes a plan adds, and who mounts them.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::annotations::values::{quantity, seconds};
use crate::annotations::{Annotations, Findings};
use crate::plan::objects::{AgentMount, EmptyDir, Mount, Projected, Projection, SecretSource, Volume};
use crate::plan::pod::{Pod, mounts, name};
use crate::plan::{Defaults, settings};

pub(super) const API: &str = "vault-agent-api";
/// Where the agent finds how to ask the API server.
pub(super) const API_PATH: &str = "/var/run/secrets/blinkchamber.io/api";
pub(super) const EXTRA_SECRET: &str = "extra-secrets";
pub(super) const HOME: &str = "vault-agent-home";
pub(super) const HOME_PATH: &str = "/home/vault";
pub(super) const SECRETS: &str = "vault-secrets";
pub(super) const TLS_SECRET: &str = "vault-tls-secrets";
pub(super) const TOKEN: &str = "vault-agent-token";

const CUSTOM: &str = "vault-secrets-custom-";
/// Socket, token and pid file.
const HOME_SIZE: &str = "1Mi";
const TOKEN_FILE: &str = "token";
const TOKEN_PATH: &str = "/var/run/secrets/vault.hashicorp.com/serviceaccount";
/// Shortest life of a projected token that the API server accepts, in seconds.
const SHORTEST_TOKEN: u64 = 600;
/// Life of the token for the API server, in seconds; the kubelet renews it.
const API_TOKEN: u64 = 3600;

/// What is added to the pod, and mounted where.
#[derive(Default)]
pub(super) struct Volumes<'a> {
    /// To add to the pod.
    pub(super) all: Vec<Volume>,
    /// For the pod's containers.
    pub(super) app_mounts: Vec<Mount>,
    /// For the agent.
    pub(super) agent_mounts: Vec<AgentMount<'a>>,
    /// Where the agent finds the service account token, if its login needs one.
    pub(super) token: Option<String>,
}

/// Whether a volume is one that holds secret files.
pub(super) fn is_secret_volume(volume: &str) -> bool {
    let number = volume.strip_prefix(CUSTOM).unwrap_or_default();
    volume == SECRETS || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The volumes for these mount paths, and the agent's own.
pub(super) fn volumes<'a>(
    pod: &Pod<'a>,
    notes: &Annotations<'a>,
    defaults: &'a Defaults,
    paths: &[String],
    findings: &mut Findings,
) -> Volumes<'a> {
    let mut volumes = Volumes::default();
    volumes.add_memory(HOME, HOME_SIZE);
    volumes.agent_mounts.push(AgentMount::Ours(Mount::new(HOME, HOME_PATH)));
    if settings::auth_type(notes, defaults) == settings::KUBERNETES {
        volumes.add_token(pod, notes, defaults, findings);
    }
    let size = notes.text("volume-size-limit").filter(|size| quantity(size).is_some());
    let size = size.unwrap_or(&defaults.volume_size_limit);
    for (index, path) in paths.iter().enumerate() {
        let volume: Cow<'static, str> = match index.checked_sub(1) {
            None => SECRETS.into(),
            Some(number) => format!("{CUSTOM}{number}").into(),
        };
        volumes.add_memory(volume.clone(), size.to_owned());
        let mount = Mount::new(volume, path.clone());
        volumes.mount(mount.clone(), findings);
        volumes.app_mounts.push(mount.read_only());
    }
    volumes.add_kubernetes_secret(notes, "agent-extra-secret", EXTRA_SECRET, "/vault/custom", findings);
    volumes.add_kubernetes_secret(notes, "tls-secret", TLS_SECRET, "/vault/tls", findings);
    if notes.text("agent-reload-lease").is_some() {
        volumes.add_api(findings);
    }
    volumes.copy_mounts(pod, notes, findings);
    volumes
}

impl<'a> Volumes<'a> {
    fn add_memory(&mut self, volume: impl Into<Cow<'static, str>>, size: impl Into<Cow<'static, str>>) {
        let empty_dir = Some(EmptyDir { medium: "Memory", size_limit: size.into() });
        self.all.push(Volume { empty_dir, name: volume.into(), ..Volume::default() });
    }

    fn add_projected(&mut self, volume: &'static str, sources: Vec<Projection>) {
        self.all.push(Volume { name: volume.into(), projected: Some(Projected { sources }), ..Volume::default() });
    }

    /// A projected token of our own, or the pod's volume that the user names.
    fn add_token(&mut self, pod: &Pod<'_>, notes: &Annotations<'_>, defaults: &Defaults, findings: &mut Findings) {
        let named = notes.given("agent-service-account-token-volume-name").filter(|given| !given.value.is_empty());
        let (volume, file) = match named {
            None => {
                self.add_projected(TOKEN, vec![own_token(notes, defaults, findings)]);
                (Cow::Borrowed(TOKEN), TOKEN_FILE)
            }
            Some(given) => match token_file(pod, given.value) {
                Ok(file) => (Cow::Owned(given.value.to_owned()), file),
                Err(problem) => return findings.refuse(format!("{} is not accepted: {problem}", given.shown())),
            },
        };
        self.agent_mounts.push(AgentMount::Ours(Mount::new(volume, TOKEN_PATH).read_only()));
        self.token = Some(format!("{TOKEN_PATH}/{}", file.trim_start_matches('/')));
    }

    /// What a client of the API server in the pod needs; only for pods whose reloads wait for a Lease.
    fn add_api(&mut self, findings: &mut Findings) {
        let field = |path: &str, field: &str| json!({"path": path, "fieldRef": {"fieldPath": field}});
        self.add_projected(
            API,
            vec![
                token(String::new(), API_TOKEN),
                Projection::ConfigMap(
                    json!({"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}),
                ),
                Projection::DownwardApi(
                    json!({"items": [field("namespace", "metadata.namespace"), field("pod", "metadata.name")]}),
                ),
            ],
        );
        self.mount(Mount::new(API, API_PATH).read_only(), findings);
    }

    fn add_kubernetes_secret(
        &mut self,
        notes: &Annotations<'_>,
        annotation: &str,
        volume: &'static str,
        path: &'static str,
        findings: &mut Findings,
    ) {
        let Some(given) = notes.given(annotation).filter(|given| !given.value.is_empty()) else { return };
        findings.warn(format!(
            "annotation {} mounts the Kubernetes Secret {} in the agent: what it holds lies in the cluster's store",
            given.key, given.value
        ));
        let secret = Some(SecretSource { secret_name: given.value.to_owned() });
        self.all.push(Volume { name: volume.into(), secret, ..Volume::default() });
        self.mount(Mount::new(volume, path).read_only(), findings);
    }

    /// Mounts one more volume in the agent, where nothing else is mounted.
    fn mount(&mut self, mount: Mount, findings: &mut Findings) {
        let path = &mount.mount_path;
        if self.agent_mounts.iter().any(|taken| taken.path() == Some(path)) {
            findings.refuse(format!(
                "the agent would have two volumes at {path}: choose another path with secret-volume-path"
            ));
        }
        self.agent_mounts.push(AgentMount::Ours(mount));
    }

    /// Copies a container's mounts, but no service account token and nothing that is there already.
    fn copy_mounts(&mut self, pod: &Pod<'a>, notes: &Annotations<'_>, findings: &mut Findings) {
        let Some(given) = notes.given("agent-copy-volume-mounts").filter(|given| !given.value.is_empty()) else {
            return;
        };
        let Some(container) = pod.every_container().find(|container| name(container) == Some(given.value)) else {
            let present: Vec<&str> = pod.every_container().filter_map(name).collect();
            return findings.refuse(format!(
                "{} names no container of the pod: expected one of {}",
                given.shown(),
                present.join(", ")
            ));
        };
        for mount in mounts(container).filter(|mount| !name(mount).is_some_and(is_secret_volume)) {
            let mount = AgentMount::Copied(mount);
            let known = self.agent_mounts.iter().any(|ours| ours.path() == mount.path());
            let token = mount.path().unwrap_or_default().to_lowercase().contains("serviceaccount");
            if !known && !token {
                self.agent_mounts.push(mount);
            }
        }
    }
}

fn own_token(notes: &Annotations<'_>, defaults: &Defaults, findings: &mut Findings) -> Projection {
    let given = notes.given("token-expiration").filter(|given| !given.value.is_empty());
    let life = match given.and_then(|given| seconds(given.value)) {
        Some(life) => life.as_secs(),
        None => defaults.token_expiration_seconds.max(SHORTEST_TOKEN),
    };
    if let Some(given) = given.filter(|_| !(SHORTEST_TOKEN..=u64::from(u32::MAX)).contains(&life)) {
        findings.refuse(format!("{} is not accepted: expected 600s to 4294967295s", given.shown()));
    }
    let audience = notes.given("token-audience").map_or(defaults.token_audience.as_str(), |given| given.value);
    token(audience.to_owned(), life)
}

fn token(audience: String, expiration_seconds: u64) -> Projection {
    Projection::ServiceAccountToken { audience, expiration_seconds, path: TOKEN_FILE }
}

/// Where the token lies in a projected volume of the pod.
fn token_file<'a>(pod: &Pod<'a>, volume: &str) -> Result<&'a str, String> {
    let volumes: Vec<&str> = pod.volumes().filter_map(name).collect();
    let found = pod.volumes().find(|candidate| name(candidate) == Some(volume)).ok_or_else(|| {
        format!("the pod has no volume of that name; expected a projected volume, of {}", volumes.join(", "))
    })?;
    let sources = found.get("projected").and_then(|projected| projected.get("sources")).and_then(Value::as_array);
    let mut paths =
        sources.into_iter().flatten().filter_map(|source| source.get("serviceAccountToken")?.get("path")?.as_str());
    paths
        .find(|path| !path.is_empty())
        .ok_or_else(|| "that volume has no projected service account token with a path".to_owned())
}
