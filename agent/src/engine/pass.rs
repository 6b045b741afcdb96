//! Renders what is out of date and puts all of it in place in one commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use blinkchamber_templates::{Answer, Dependency, FileWrite, Json};
use tokio::time::Instant;

use super::{Engine, unit::Execution};
use crate::{
    files::{Fault, FileSpec, FilesError},
    settings::absolute,
};

/// How long changes are collected while more of them are on their way.
pub(super) const COLLECT: Duration = Duration::from_millis(250);

/// Files to be put in place together.
#[derive(Default)]
struct Batch {
    files: Vec<(FileSpec, Vec<u8>)>,
    /// Template that each file belongs to, as its own or by `writeToFile`.
    owners: Vec<usize>,
    /// Templates with a file that this batch does not put in place, and why.
    faults: BTreeMap<usize, String>,
    /// Those with a file that is refused whatever happens.
    refused: BTreeSet<usize>,
}

impl Engine {
    /// Renders all templates that are out of date. What they miss is put on the agenda.
    pub(super) fn pass(&mut self) {
        self.pass_at = None;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.snapshot.now = (i64::try_from(now.as_secs()).unwrap_or_default(), now.subsec_nanos());

        let mut batch = Batch::default();
        let mut writes = Vec::new();
        self.execute(&mut batch, &mut writes);
        if self.take_over(now.as_secs()) {
            self.execute(&mut batch, &mut writes);
        }
        add_writes(&mut batch, writes);
        self.drop_unused();
        if !batch.files.is_empty() || !batch.faults.is_empty() {
            self.commit(batch, now.as_secs());
        }
    }

    fn execute(&mut self, batch: &mut Batch, writes: &mut Vec<(usize, FileWrite)>) {
        for position in 0..self.units.len() {
            let Some(unit) = self.units.get_mut(position).filter(|unit| unit.dirty) else { continue };
            unit.dirty = false;
            self.counters.renders += 1;
            match unit.execute(&self.snapshot) {
                Execution::Complete { output, writes: more, used } => {
                    unit.error = None;
                    unit.writes = Some(more.iter().map(|write| absolute(&write.path)).collect());
                    batch.owners.push(position);
                    batch.files.push((unit.settings.file.clone(), output));
                    writes.extend(more.into_iter().map(|write| (position, write)));
                    self.uses(position, used);
                }
                Execution::Incomplete(used) => self.uses(position, used),
                Execution::Failed(error) => {
                    tracing::error!(destination = unit.destination(), %error, "the template cannot be rendered; its file stays as it is");
                    self.counters.render_errors += 1;
                    unit.error = Some(error);
                }
            }
        }
    }

    fn commit(&mut self, mut batch: Batch, now: u64) {
        let mut changed = Vec::new();
        let error = loop {
            match self.store.commit(&batch.files) {
                Ok(paths) => {
                    changed.extend(paths);
                    break None;
                }
                Err(error) => {
                    changed.extend_from_slice(error.changed());
                    // A file that can never be written must not keep the others waiting.
                    if !self.set_aside_refused(&mut batch, &error) {
                        break Some(error);
                    }
                }
            }
        };
        let mut due = Vec::new();
        let differ: BTreeSet<&Path> = changed.iter().map(PathBuf::as_path).collect();
        for ((spec, bytes), owner) in batch.files.iter().zip(&batch.owners) {
            let path = &spec.destination;
            let fault = error.as_ref().and_then(|error| fault_of(error, path, &self.settings.generations));
            let has_changed = differ.contains(path.as_path());
            if (fault.is_none() || has_changed)
                && self.ledger.note(path, bytes, has_changed, self.reloader.has_actions(path))
            {
                due.push(path.clone());
            }
            if let Some(fault) = fault {
                batch.faults.entry(*owner).or_insert_with(|| fault.to_string());
            }
        }
        self.settle(&batch, now);
        self.on_committed(error, !batch.faults.is_empty(), &changed);
        self.save_ledger();
        self.tell(&due);
    }

    fn on_committed(&mut self, error: Option<FilesError>, is_incomplete: bool, changed: &[PathBuf]) {
        self.commit_blocked = error.is_some() || is_incomplete;
        if self.commit_blocked {
            let wait = self.commit_backoff.next(None, &mut self.rng);
            self.pass_at = Some(Instant::now() + wait);
            let wait_seconds = wait.as_secs_f32();
            if let Some(error) = error {
                tracing::error!(%error, wait_seconds, "files cannot be put in place; what was there stays");
            }
        } else {
            self.commit_backoff.reset();
        }
        for path in changed {
            tracing::info!(destination = %path.display(), "file changed");
        }
        self.counters.files_changed += changed.len() as u64;
    }

    /// A template is in place when everything that it writes is.
    fn settle(&mut self, batch: &Batch, now: u64) {
        self.counters.render_errors += batch.faults.len() as u64;
        for owner in batch.owners.iter().chain(batch.faults.keys()) {
            let Some(unit) = self.units.get_mut(*owner) else { continue };
            if let Some(fault) = batch.faults.get(owner) {
                unit.error = Some(fault.clone());
                unit.dirty = true;
            } else if !batch.refused.contains(owner) {
                unit.in_place = Some(now);
            }
        }
    }

    /// Takes the files out of the batch that are refused whatever happens; false when there is none.
    fn set_aside_refused(&mut self, batch: &mut Batch, error: &FilesError) -> bool {
        let refused = error.faults().iter().filter(|fault| !matches!(fault, Fault::Io { .. }));
        let mut found = false;
        for fault in refused {
            let Some(at) = batch.files.iter().position(|(spec, _)| spec.destination == path_of_fault(fault)) else {
                continue;
            };
            found = true;
            tracing::error!(error = %fault, "the file cannot be written");
            batch.files.remove(at);
            self.counters.render_errors += 1;
            let owner = batch.owners.remove(at);
            batch.refused.insert(owner);
            if let Some(unit) = self.units.get_mut(owner) {
                unit.error = Some(fault.to_string());
            }
        }
        found
    }

    /// Writes the token where it is asked for.
    pub(super) fn write_sinks(&mut self) {
        self.sink_retry = None;
        let Some(session) = &self.session else { return };
        if self.settings.sinks.is_empty() || self.sink_epoch == session.epoch {
            return;
        }
        let token = session.token.expose().as_bytes();
        let files: Vec<_> = self.settings.sinks.iter().map(|sink| (sink.clone(), token.to_vec())).collect();
        match self.store.commit(&files) {
            Ok(_) => {
                self.sink_epoch = session.epoch;
                for (sink, token) in &files {
                    self.ledger.note(&sink.destination, token, false, false);
                }
                self.save_ledger();
            }
            Err(error) => {
                tracing::error!(%error, "the token cannot be written to its file");
                self.sink_retry = Some(Instant::now() + Duration::from_secs(2).mul_f64(0.5 + self.rng.f64()));
            }
        }
    }
}

/// Whether two answers mean the same. Ids of requests and leases differ each time and do not count.
pub(super) fn same(old: &Answer, new: &Answer) -> bool {
    match (old, new) {
        (Answer::File(old), Answer::File(new)) => old == new,
        (Answer::List(old), Answer::List(new)) => old == new,
        (Answer::Secret(old), Answer::Secret(new)) => {
            let meaning = |json: &Json| ["data", "auth", "wrap_info"].map(|key| json.get(key).cloned());
            meaning(old) == meaning(new)
        }
        _ => false,
    }
}

/// The path that a dependency asks for, for messages and the status.
pub(super) fn path_of(dependency: &Dependency) -> &str {
    match dependency {
        Dependency::File { path }
        | Dependency::List { path }
        | Dependency::PkiCert { path, .. }
        | Dependency::Read { path }
        | Dependency::Write { path, .. } => path,
        _ => "",
    }
}

/// What `writeToFile` asks for of one file: whole, or what is added to what is there.
struct Write {
    spec: FileSpec,
    owner: usize,
    whole: Option<Vec<u8>>,
    added: Vec<u8>,
}

/// What `writeToFile` asked for: the last write of a path wins, an append adds to what is there or was written before.
fn add_writes(batch: &mut Batch, writes: Vec<(usize, FileWrite)>) {
    let mut files: BTreeMap<PathBuf, Write> = BTreeMap::new();
    for (owner, write) in writes {
        let path = absolute(&write.path);
        let name = |name: String| Some(name).filter(|name| !name.is_empty());
        let (user, group) = (name(write.user), name(write.group));
        let spec = FileSpec { destination: path.clone(), mode: write.mode, user, group, create_dirs: true };
        if write.append {
            let before = files.remove(&path);
            let (whole, mut added) = before.map_or((None, Vec::new()), |before| (before.whole, before.added));
            added.extend(write.content);
            files.insert(path, Write { spec, owner, whole, added });
        } else {
            files.insert(path, Write { spec, owner, whole: Some(write.content), added: Vec::new() });
        }
    }
    let taken = |path: &Path| batch.files.iter().any(|(spec, _)| spec.destination == path);
    files.retain(|path, _| !taken(path));
    for (path, Write { spec, owner, whole, added }) in files {
        let bytes = match whole {
            Some(bytes) => [bytes, added].concat(),
            None => match fs::read(&path) {
                // It was added already: by a run before, or by one that failed with another file.
                Ok(bytes) if bytes.ends_with(&added) => bytes,
                Ok(bytes) => [bytes, added].concat(),
                Err(error) if error.kind() == ErrorKind::NotFound => added,
                // Taken for empty it would lose what it holds.
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a file to append to cannot be read; it stays as it is");
                    batch.faults.insert(owner, format!("cannot append to {}: {error}", path.display()));
                    continue;
                }
            },
        };
        batch.files.push((spec, bytes));
        batch.owners.push(owner);
    }
}

/// What went wrong with a file: a fault of its own, of a directory above it, or of the generation that it belongs to.
fn fault_of<'a>(error: &'a FilesError, destination: &Path, generations: &[PathBuf]) -> Option<&'a Fault> {
    let generation = generations.iter().find(|directory| destination.starts_with(directory));
    error.faults().iter().find(|fault| {
        let path = path_of_fault(fault);
        destination.starts_with(path) || generation.is_some_and(|generation| path.starts_with(generation))
    })
}

fn path_of_fault(fault: &Fault) -> &Path {
    match fault {
        Fault::Refused { path, .. } | Fault::UnknownOwner { path, .. } | Fault::Io { path, .. } => path,
    }
}

#[cfg(test)]
mod tests;
