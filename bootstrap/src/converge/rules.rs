//! Policies and roles: those that the compiler derives from the workloads, and those of people.

use std::fs;
use std::io::Write;
use std::path::Path;

use blinkchamber_policies::apply::{self, Action, ApplyError, ApplyOptions, Object};
use blinkchamber_policies::compile::{CompileOptions, compile};
use blinkchamber_policies::role::Role;

use super::session::{Area, Mode, Patience, Session};
use crate::Failure;
use crate::desired::{Desired, seconds};

/// What the server should hold.
#[derive(Debug)]
pub struct Rules {
    set: apply::Desired,
    notes: Vec<String>,
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
    /// Compiles the workloads and adds the operators.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with the compiler's errors, or two rules of one name.
    pub fn new(workloads: &[(String, String)], desired: &Desired) -> Result<Self, Failure> {
        let kubernetes = &desired.kubernetes;
        let auth_path = format!("auth/{}", kubernetes.path);
        let mut options = CompileOptions::default();
        options.kv2 = desired.kv.iter().cloned().collect();
        options.audience.clone_from(&kubernetes.audience);
        options.token_ttl = seconds(&kubernetes.token_ttl).unwrap_or_default();
        options.token_max_ttl = seconds(&kubernetes.token_max_ttl).unwrap_or_default();
        options.defaults.auth_path.clone_from(&auth_path);
        let compiled = compile(workloads, &options).map_err(|errors| Failure::Configuration(errors.to_string()))?;
        let mut rules =
            Self { notes: compiled.notes.clone(), set: apply::Desired::new(desired.owner.as_str(), compiled) };
        for operator in &desired.operators {
            let name = format!("{}-policy", operator.role.strip_suffix("-role").unwrap_or(&operator.role));
            let role = Role {
                auth_path: auth_path.clone(),
                bound_service_account_names: [operator.service_account.clone()].into(),
                bound_service_account_namespaces: [operator.namespace.clone()].into(),
                audience: options.audience.clone(),
                token_policies: [name.clone()].into(),
                token_ttl: options.token_ttl,
                token_max_ttl: options.token_max_ttl,
            };
            let set = &mut rules.set;
            let taken = set.policies.insert(name.clone(), operator.policy.clone()).is_some()
                || set.roles.insert(operator.role.clone(), role).is_some();
            if taken {
                let role = &operator.role;
                return Err(Failure::Configuration(format!(
                    "operator {role}: a workload has the role or {name} already"
                )));
            }
        }
        Ok(rules)
    }

    /// Makes the server's policies and roles equal to these, and takes away what an earlier set left behind. What others
    /// made is not touched.
    ///
    /// # Errors
    /// [`Failure::Failed`] when others made something of the same name, and what [`Session::retry`] gives.
    pub fn apply<W: Write>(&self, session: &mut Session<'_, W>) -> Result<(), Failure> {
        for note in &self.notes {
            session.say(&format!("note: {note}"));
        }
        let options = ApplyOptions { adopt: false, prune: true };
        let mode = session.mode();
        let outcome = session.retry(Patience::Passing, None, |server| {
            let outcome = match mode {
                Mode::Repair => apply::apply(server, &self.set, options),
                Mode::Look => apply::diff(server, &self.set, options),
            };
            match outcome {
                Err(ApplyError::Server { error, .. }) => Err(error),
                other => Ok(other),
            }
        })?;
        let diff = outcome.map_err(|error| Failure::Failed(error.to_string()))?;
        for change in &diff.changes {
            let action = match change.action {
                Action::Adopt => "adopted",
                Action::Create => "made",
                Action::Delete => "removed",
                Action::Update => "written",
            };
            let area = match change.object {
                Object::Policy(_) => Area::Policy,
                Object::Role(_) => Area::Role,
            };
            session.differ(area, &change.object.to_string(), action);
            for line in &change.details {
                session.say(&format!("    {line}"));
            }
        }
        for kept in &diff.kept {
            session.say(&format!("kept: {kept}"));
        }
        session.keep_many("policies and roles", diff.unchanged);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
