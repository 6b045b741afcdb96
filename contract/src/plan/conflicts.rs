//! Names and paths of the pod that stand where ours must go.

use crate::annotations::Findings;
use crate::annotations::values::directory;
use crate::plan::CONTAINER;
use crate::plan::pod::{Pod, mounts, name};
use crate::plan::volumes::{API, EXTRA_SECRET, HOME, SECRETS, TLS_SECRET, TOKEN, is_secret_volume};

/// Looks for containers, volumes and mounts of the user that collide with what is added.
pub(super) fn check(pod: &Pod<'_>, containers: &[String], paths: &[String], findings: &mut Findings) {
    for path in paths.iter().filter(|path| path.as_str() == "/home/vault" || path.starts_with("/home/vault/")) {
        findings.refuse(format!("the secret volume path {path} is the agent's home: expected another path"));
    }
    if !pod.is_ours() {
        names(pod, findings);
    }
    for container in pod
        .every_container()
        .filter(|container| name(container).is_some_and(|name| containers.iter().any(|chosen| chosen == name)))
    {
        for mount in mounts(container) {
            let at = mount.get("mountPath").and_then(|path| path.as_str()).and_then(directory);
            let Some(path) = at.filter(|at| paths.contains(at)) else { continue };
            let volume = name(mount).unwrap_or_default();
            if !(pod.is_ours() && is_secret_volume(volume)) {
                findings.refuse(format!(
                    "container {} already mounts volume {volume} at {path}, where the secrets go: \
                     choose another path with secret-volume-path",
                    name(container).unwrap_or_default()
                ));
            }
        }
    }
}

/// Without our mark, nothing of the pod can be ours.
fn names(pod: &Pod<'_>, findings: &mut Findings) {
    if pod.every_container().any(|container| name(container) == Some(CONTAINER)) {
        findings.refuse(format!("the pod already has a container named {CONTAINER}, the agent's name: rename it"));
    }
    let ours = [API, SECRETS, TOKEN, HOME, EXTRA_SECRET, TLS_SECRET];
    for volume in pod.volumes().filter_map(name) {
        if ours.contains(&volume) || is_secret_volume(volume) {
            findings
                .refuse(format!("the pod already has a volume named {volume}, a name the injector needs: rename it"));
        }
    }
}
