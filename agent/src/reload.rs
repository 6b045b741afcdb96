//! Tells processes that their files changed: by a signal, a command or an HTTP request.
//!
//! Actions of the same file run in their order; files that share an action share that order. Everything else runs on its
//! own: an application that does not answer keeps nobody else waiting. Changes that come close together are one run, and
//! an action that fails is tried again for about half a minute, for the application may just be starting. A process that
//! started after the change gets no signal for it: it has read the new file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use blinkchamber_contract::config::ReloadAction;
use serde::{Deserialize, Serialize};

pub(crate) use self::{error::ReloadError, lease::LeaseSettings};
use self::{group::Group, lease::Guard, step::Step};

mod command;
mod error;
mod group;
mod http;
mod lease;
mod process;
mod signal;
mod step;

#[cfg(test)]
mod tests;

/// When actions run and how long they may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pace {
    /// Changes closer together than this are one run.
    pub(crate) quiet: Duration,
    /// Changes that keep coming do not put a run off for longer than this.
    pub(crate) longest_wait: Duration,
    /// Wait before the first repetition of what failed; doubled each time.
    pub(crate) first_retry: Duration,
    /// How often a failed action is repeated before it is given up until the next change.
    pub(crate) retries: u32,
    /// A command is killed after this.
    pub(crate) command_limit: Duration,
    /// An HTTP request is given up after this.
    pub(crate) http_limit: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(250),
            longest_wait: Duration::from_secs(1),
            first_retry: Duration::from_secs(1),
            retries: 5,
            command_limit: Duration::from_secs(30),
            http_limit: Duration::from_secs(10),
        }
    }
}

/// What became of one action so far.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ActionStatus {
    /// Such as `signal HUP postgres`; arguments and query strings are left out.
    pub(crate) action: String,
    /// Runs that worked.
    pub(crate) succeeded: u64,
    /// Runs that failed, repetitions included.
    pub(crate) failed: u64,
    /// Why the last run failed; absent when it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_error: Option<String>,
    /// Why it has not run yet although it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits_for: Option<String>,
}

/// Refuses an action that can never work: an unknown signal, a URL that is not `http://`, an empty command.
///
/// # Errors
///
/// What is wrong, and what is accepted.
pub(crate) fn check(action: &ReloadAction) -> Result<(), ReloadError> {
    step::prepare(action).map(drop)
}

/// Runs the actions of the files that changed. Dropping it lets what is under way come to its end.
#[derive(Debug)]
pub(crate) struct Reloader {
    /// Which steps of which group a file has.
    files: BTreeMap<PathBuf, (usize, Vec<usize>)>,
    groups: Vec<Arc<Group>>,
}

impl Reloader {
    /// A reloader with the usual pace. Belongs inside of a tokio runtime.
    pub(crate) fn new(actions: BTreeMap<PathBuf, Vec<ReloadAction>>, lease: Option<LeaseSettings>) -> Self {
        Self::with_pace(actions, Pace::default(), lease.map(Guard::new))
    }

    /// A reloader with another pace.
    fn with_pace(actions: BTreeMap<PathBuf, Vec<ReloadAction>>, pace: Pace, guard: Option<Guard>) -> Self {
        let guard = guard.map(Arc::new);
        let (mut files, mut groups) = (BTreeMap::new(), Vec::new());
        for members in connected(actions) {
            let mut steps: Vec<ReloadAction> = Vec::new();
            for (path, actions) in members {
                let mut indices = Vec::new();
                for action in actions {
                    let index = steps.iter().position(|known| *known == action).unwrap_or_else(|| {
                        steps.push(action);
                        steps.len().saturating_sub(1)
                    });
                    indices.push(index);
                }
                files.insert(path, (groups.len(), indices));
            }
            groups.push(Group::spawn(steps.iter().map(Step::new).collect(), pace, guard.clone()));
        }
        Self { files, groups }
    }

    /// Says which files changed. Does not wait.
    pub(crate) fn changed(&self, destinations: &[PathBuf]) {
        let mut due: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (group, steps) in destinations.iter().filter_map(|path| self.files.get(path)) {
            due.entry(*group).or_default().extend(steps);
        }
        for (group, steps) in due {
            if let Some(group) = self.groups.get(group) {
                group.request(&steps);
            }
        }
    }

    /// Whether anything is done when this file changes.
    pub(crate) fn has_actions(&self, destination: &Path) -> bool {
        self.files.contains_key(destination)
    }

    /// Waits until the actions of a file have nothing more to do, repetitions included; true when they worked. `None`
    /// when it has none.
    pub(crate) fn ended(&self, destination: &Path) -> Option<impl Future<Output = bool> + Send + use<>> {
        let (group, steps) = self.files.get(destination)?;
        let (group, steps) = (Arc::clone(self.groups.get(*group)?), steps.clone());
        Some(async move {
            group.idle().await;
            group.worked(&steps)
        })
    }

    /// Waits until each action that is due had its first try. Each has a limit of its own.
    pub(crate) async fn tried(&self) {
        for group in &self.groups {
            group.tried().await;
        }
    }

    /// What became of each action so far.
    pub(crate) fn status(&self) -> Vec<ActionStatus> {
        self.groups.iter().flat_map(|group| group.status()).collect()
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.groups.iter().for_each(|group| group.close());
    }
}

type Files = Vec<(PathBuf, Vec<ReloadAction>)>;

/// Files that share an action, directly or by way of others, come together.
fn connected(actions: BTreeMap<PathBuf, Vec<ReloadAction>>) -> Vec<Files> {
    let mut groups: Vec<Files> = Vec::new();
    for (path, wanted) in actions.into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
        let shares = |files: &Files| files.iter().any(|(_, known)| known.iter().any(|action| wanted.contains(action)));
        let (mut together, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        let mut merged: Files = together.drain(..).flatten().collect();
        merged.push((path, wanted));
        groups = apart;
        groups.push(merged);
    }
    groups
}
