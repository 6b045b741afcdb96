//! Policies and roles: those that the compiler derives from the workloads, and those of people.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::session::{Patience, Session};
use crate::Failure;
use crate::desired::{Desired, seconds};
use crate::server::at;

/// What the server should hold.
#[derive(Debug)]
pub struct Rules {
    policies: BTreeMap<String, String>,
    roles: BTreeMap<String, Value>,
    auth_path: String,
}

/// Reads every file of a directory (a mounted ConfigMap), sorted by name.
///
/// # Errors
/// [`Failure::Configuration`] naming what cannot be read.
pub fn read_workloads(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let unreadable =
        |path: &Path, error: std::io::Error| Failure::Configuration(format!("{}: {error}", path.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, error))? {
        let entry = entry.map_err(|error| unreadable(directory, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // `..data` and its like belong to the kubelet.
        if name.starts_with('.') {
            continue;
        }
        files.push((name, fs::read_to_string(entry.path()).map_err(|error| unreadable(&entry.path(), error))?));
    }
    files.sort();
    Ok(files)
}

impl Rules {
    /// Compiles.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with the compiler's findings, or two rules of one name.
    pub fn new(_workloads: &[(String, String)], desired: &Desired) -> Result<Self, Failure> {
        let mut rules =
            Self { policies: BTreeMap::new(), roles: BTreeMap::new(), auth_path: desired.kubernetes.path.clone() };
        for operator in &desired.operators {
            let policy = format!("{}-policy", operator.role.strip_suffix("-role").unwrap_or(&operator.role));
            rules.policies.insert(policy.clone(), operator.policy.clone());
            let role = role(desired, &operator.service_account, &operator.namespace, &policy);
            rules.roles.insert(operator.role.clone(), role);
        }
        Ok(rules)
    }

    /// Writes what differs.
    ///
    /// # Errors
    /// What [`Session::retry`] gives.
    pub fn apply<W: Write>(&self, session: &mut Session<'_, W>) -> Result<(), Failure> {
        for (name, text) in &self.policies {
            let path = format!("sys/policies/acl/{name}");
            let found = session.retry(Patience::Passing, None, |server| server.read(&path))?;
            let same = found.is_some_and(|found| at(&found, "/data/policy") == text.as_str());
            if !same {
                session.retry(Patience::Passing, None, |server| server.write(&path, &json!({"policy": text})))?;
            }
            session.report(&path, (!same).then_some("written"));
        }
        for (name, wanted) in &self.roles {
            let path = format!("auth/{}/role/{name}", self.auth_path);
            let found = session.retry(Patience::Passing, None, |server| server.read(&path))?;
            let same = found.is_some_and(|found| super::database::contains(at(&found, "/data"), wanted));
            if !same {
                session.retry(Patience::Passing, None, |server| server.write(&path, wanted))?;
            }
            session.report(&path, (!same).then_some("written"));
        }
        Ok(())
    }
}

fn role(desired: &Desired, account: &str, namespace: &str, policy: &str) -> Value {
    json!({
        "bound_service_account_names": [account],
        "bound_service_account_namespaces": [namespace],
        "audience": desired.kubernetes.audience,
        "token_policies": [policy],
        "token_ttl": seconds(&desired.kubernetes.token_ttl),
        "token_max_ttl": seconds(&desired.kubernetes.token_max_ttl),
    })
}

#[cfg(test)]
mod tests;
