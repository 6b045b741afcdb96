//! Compares what is desired with what a server has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use super::{ApplyError, ApplyOptions, Desired, Method, Server, ServerError, details, record};
use crate::{policy, role};

/// Names that are never ours.
const RESERVED: [&str; 4] = ["default", "default-ceiling", "response-wrapping", "root"];

/// What has to change, in the order in which it is done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    /// The changes.
    pub changes: Vec<Change>,
    /// Objects that are as desired.
    pub unchanged: usize,
    /// What stays and why: owned objects that are not desired any more.
    pub kept: Vec<String>,
}

/// One object that changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The object.
    pub object: Object,
    /// What happens to it.
    pub action: Action,
    /// What that means, a line each.
    pub details: Vec<String>,
    pub(super) request: Write,
}

/// An object of the server.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Object {
    /// A policy, by name.
    Policy(String),
    /// A role, by its path in the API.
    Role(String),
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Somebody else's object is taken over.
    Adopt,
    /// It does not exist yet.
    Create,
    /// It is ours and not desired any more.
    Delete,
    /// It is ours and different.
    Update,
}

/// The request that makes a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Write {
    Delete { path: String },
    Policy { path: String, text: String, version: Option<i64> },
    Role { path: String, body: Value },
}

impl Diff {
    /// True when nothing has to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(out, "{} {}", change.action.word(), change.object)?;
            for line in &change.details {
                writeln!(out, "    {line}")?;
            }
        }
        for kept in &self.kept {
            writeln!(out, "keep {kept}")?;
        }
        let count = |action| self.changes.iter().filter(|change| change.action == action).count();
        let (create, update, delete) = (count(Action::Create), count(Action::Update), count(Action::Delete));
        let adopt = count(Action::Adopt);
        writeln!(
            out,
            "{create} to create, {update} to update, {adopt} to adopt, {delete} to delete, {} unchanged",
            self.unchanged
        )
    }
}

impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(name) => write!(out, "policy {name}"),
            Self::Role(path) => write!(out, "role {path}"),
        }
    }
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Update => "update",
        }
    }
}

pub(super) fn plan(server: &impl Server, desired: &Desired, options: ApplyOptions) -> Result<Diff, ApplyError> {
    check(desired)?;
    let mut planner = Planner {
        remote: Remote { server },
        desired,
        options,
        diff: Diff::default(),
        foreign: Vec::new(),
        ours: BTreeSet::new(),
    };
    planner.policies()?;
    planner.roles()?;
    if !planner.foreign.is_empty() {
        return Err(ApplyError::Foreign(planner.foreign));
    }
    planner.leftovers()?;
    Ok(planner.diff)
}

/// Refuses what could only half succeed.
fn check(desired: &Desired) -> Result<(), ApplyError> {
    let refuse = |text: String| Err(ApplyError::Undesirable(text));
    if desired.owner.trim().is_empty() || desired.owner.chars().any(char::is_control) {
        return refuse(format!("{:?} cannot name an owner: it is one line of text", desired.owner));
    }
    let names = desired.policies.keys().chain(desired.roles.keys());
    for name in names {
        if !name
            .chars()
            .all(|read| read.is_ascii_lowercase() || read.is_ascii_digit() || matches!(read, '.' | '_' | '-'))
        {
            return refuse(format!(
                "{name:?} cannot be a name: the server stores lower-case letters, digits, . _ and -"
            ));
        }
        if name.is_empty() || RESERVED.contains(&name.as_str()) {
            return refuse(format!("{name:?} is the server's own"));
        }
    }
    for (name, text) in &desired.policies {
        if let Err(findings) = policy::parse(text, i64::MIN) {
            let first = findings.first().map(|finding| format!("{}: {}", finding.position.line, finding.message));
            return refuse(format!("policy {name}, line {}", first.unwrap_or_default()));
        }
    }
    for (name, role) in &desired.roles {
        if let Some(missing) = role.token_policies.iter().find(|policy| !desired.policies.contains_key(*policy)) {
            return refuse(format!("role {name} gives policy {missing}, which is not in the set"));
        }
    }
    Ok(())
}

struct Planner<'a, S> {
    remote: Remote<'a, S>,
    desired: &'a Desired,
    options: ApplyOptions,
    diff: Diff,
    foreign: Vec<String>,
    /// Paths of roles that the server's policies record as ours.
    ours: BTreeSet<String>,
}

impl<S: Server> Planner<'_, S> {
    fn policies(&mut self) -> Result<(), ApplyError> {
        for (name, text) in &self.desired.policies {
            let text = record::write(&self.desired.owner, &self.roles_of(name), text);
            let object = Object::Policy(name.clone());
            let path = policy_path(name);
            match self.remote.policy(name)? {
                None => {
                    let details = details::of_policies("", &text);
                    // -1: only if it still does not exist.
                    let request = Write::Policy { path, text, version: Some(-1) };
                    self.diff.changes.push(Change { object, action: Action::Create, details, request });
                }
                Some(StoredPolicy { text: stored, version }) => {
                    let record = record::read(&stored);
                    let owned = record.owner.as_ref() == Some(&self.desired.owner);
                    if owned {
                        self.ours.extend(record.roles);
                    }
                    if owned && stored == text {
                        self.diff.unchanged += 1;
                        continue;
                    }
                    if !owned && !self.options.adopt {
                        self.foreign.push(match record.owner {
                            Some(owner) => format!("policy {name} (of {owner})"),
                            None => format!("policy {name}"),
                        });
                        continue;
                    }
                    let action = if owned { Action::Update } else { Action::Adopt };
                    let details = details::of_policies(&stored, &text);
                    self.diff.changes.push(Change {
                        object,
                        action,
                        details,
                        request: Write::Policy { path, text, version },
                    });
                }
            }
        }
        Ok(())
    }

    fn roles(&mut self) -> Result<(), ApplyError> {
        for (name, role) in &self.desired.roles {
            let path = role_path(&role.auth_path, name);
            let object = Object::Role(path.clone());
            let request = Write::Role { path: path.clone(), body: role.body() };
            let Some(stored) = self.remote.role(&path)? else {
                let policies: Vec<_> = role.token_policies.iter().map(String::as_str).collect();
                let details = vec![format!("+ policies {}", policies.join(", "))];
                self.diff.changes.push(Change { object, action: Action::Create, details, request });
                continue;
            };
            let changes = role.changes(&stored);
            let owned = self.ours.contains(&path);
            if owned && changes.is_empty() {
                self.diff.unchanged += 1;
            } else if owned || self.options.adopt {
                let action = if owned { Action::Update } else { Action::Adopt };
                self.diff.changes.push(Change { object, action, details: details::of_roles(&changes), request });
            } else {
                self.foreign.push(format!("role {path}"));
            }
        }
        Ok(())
    }

    /// Owned policies that are not desired any more, and the roles made for them.
    fn leftovers(&mut self) -> Result<(), ApplyError> {
        let mut stale: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in self.remote.policy_names()? {
            if RESERVED.contains(&name.as_str()) || self.desired.policies.contains_key(&name) {
                continue;
            }
            let Some(stored) = self.remote.policy(&name)? else { continue };
            let record = record::read(&stored.text);
            if record.owner.as_ref() == Some(&self.desired.owner) {
                stale.insert(name, record.roles);
            }
        }
        if !self.options.prune {
            let kept = |name| format!("policy {name}: not desired any more, and prune was not asked for");
            self.diff.kept.extend(stale.keys().map(kept));
            return Ok(());
        }
        self.prune(&stale)
    }

    fn prune(&mut self, stale: &BTreeMap<String, BTreeSet<String>>) -> Result<(), ApplyError> {
        let wanted: BTreeSet<_> =
            self.desired.roles.iter().map(|(name, role)| role_path(&role.auth_path, name)).collect();
        let recorded: BTreeSet<_> = stale.values().flatten().filter(|path| !wanted.contains(*path)).collect();
        let mut deleted = BTreeSet::new();
        for path in recorded {
            let Some(stored) = self.remote.role(path)? else { continue };
            let strange: Vec<_> =
                role::policies_of(&stored).into_iter().filter(|name| !stale.contains_key(name)).collect();
            if strange.is_empty() {
                deleted.insert(path.clone());
                self.delete(Object::Role(path.clone()), path.clone());
            } else {
                self.diff.kept.push(format!("role {path}: somebody gave it {}", strange.join(", ")));
            }
        }
        let mounts = stale.values().flatten().chain(&wanted).filter_map(|path| path.rsplit_once("/role/"));
        let mounts: BTreeSet<_> = mounts.map(|(mount, _)| mount.to_owned()).collect();
        let mut in_use: BTreeMap<String, String> = BTreeMap::new();
        for mount in mounts {
            for name in self.remote.role_names(&mount)? {
                let path = role_path(&mount, &name);
                // A desired role is written first, with policies of the set only.
                if deleted.contains(&path) || wanted.contains(&path) {
                    continue;
                }
                let stored = self.remote.role(&path)?.unwrap_or_default();
                in_use.extend(role::policies_of(&stored).into_iter().map(|policy| (policy, path.clone())));
            }
        }
        for name in stale.keys() {
            match in_use.get(name) {
                Some(path) => self.diff.kept.push(format!("policy {name}: role {path} still gives it")),
                None => self.delete(Object::Policy(name.clone()), policy_path(name)),
            }
        }
        Ok(())
    }

    fn delete(&mut self, object: Object, path: String) {
        self.diff.changes.push(Change {
            object,
            action: Action::Delete,
            details: Vec::new(),
            request: Write::Delete { path },
        });
    }

    fn roles_of(&self, policy: &str) -> BTreeSet<String> {
        let roles = self.desired.roles.iter().filter(|(_, role)| role.token_policies.contains(policy));
        roles.map(|(name, role)| role_path(&role.auth_path, name)).collect()
    }
}

struct StoredPolicy {
    text: String,
    /// OpenBao's counter; other servers have none.
    version: Option<i64>,
}

/// The server's objects by name.
struct Remote<'a, S> {
    server: &'a S,
}

impl<S: Server> Remote<'_, S> {
    fn policy_names(&self) -> Result<Vec<String>, ApplyError> {
        self.names("sys/policies/acl")
    }

    fn role_names(&self, mount: &str) -> Result<Vec<String>, ApplyError> {
        self.names(&format!("{mount}/role"))
    }

    fn policy(&self, name: &str) -> Result<Option<StoredPolicy>, ApplyError> {
        let Some(data) = self.data(&policy_path(name))? else { return Ok(None) };
        let text = data.get("policy").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Some(StoredPolicy { text, version: data.get("version").and_then(Value::as_i64) }))
    }

    fn role(&self, path: &str) -> Result<Option<Map<String, Value>>, ApplyError> {
        self.data(path)
    }

    fn data(&self, path: &str) -> Result<Option<Map<String, Value>>, ApplyError> {
        match self.call(Method::Get, path)? {
            None => Ok(None),
            Some(mut body) => match body.get_mut("data").map(Value::take) {
                Some(Value::Object(data)) => Ok(Some(data)),
                _ => Err(ApplyError::Server { error: unexpected(Method::Get, path), done: 0 }),
            },
        }
    }

    fn names(&self, path: &str) -> Result<Vec<String>, ApplyError> {
        let Some(body) = self.call(Method::List, path)? else { return Ok(Vec::new()) };
        let keys = body.get("data").and_then(|data| data.get("keys")).and_then(Value::as_array);
        let keys = keys.ok_or_else(|| ApplyError::Server { error: unexpected(Method::List, path), done: 0 })?;
        Ok(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn call(&self, method: Method, path: &str) -> Result<Option<Value>, ApplyError> {
        self.server.call(method, path, None).map_err(|error| ApplyError::Server { error, done: 0 })
    }
}

fn unexpected(method: Method, path: &str) -> ServerError {
    let reason = "the answer is not that of a secrets server".to_owned();
    ServerError { method, path: path.to_owned(), status: None, reason }
}

fn policy_path(name: &str) -> String {
    format!("sys/policies/acl/{name}")
}

fn role_path(mount: &str, name: &str) -> String {
    format!("{mount}/role/{name}")
}
