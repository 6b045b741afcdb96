//! Renders what is out of date and puts all of it in place in one commit.

use std::{
    collections::BTreeMap,
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
    /// Template that each file belongs to; none for what `writeToFile` asked for.
    owners: Vec<Option<usize>>,
}

impl Engine {
    /// Renders all templates that are out of date. What they miss is put on the agenda.
    pub(super) fn pass(&mut self) {
        self.pass_at = None;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.snapshot.now = (i64::try_from(now.as_secs()).unwrap_or_default(), now.subsec_nanos());

        let mut batch = Batch::default();
        let mut writes = Vec::new();
        for position in 0..self.units.len() {
            let Some(unit) = self.units.get_mut(position).filter(|unit| unit.dirty) else { continue };
            unit.dirty = false;
            self.counters.renders += 1;
            match unit.execute(&self.snapshot) {
                Execution::Complete { output, writes: more, used } => {
                    unit.error = None;
                    batch.owners.push(Some(position));
                    batch.files.push((unit.settings.file.clone(), output));
                    writes.extend(more);
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
        add_writes(&mut batch, writes);
        self.drop_unused();
        if !batch.files.is_empty() {
            self.commit(batch, now.as_secs());
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
        for ((spec, _), owner) in batch.files.iter().zip(&batch.owners) {
            let Some(unit) = owner.and_then(|position| self.units.get_mut(position)) else { continue };
            match error.as_ref().and_then(|error| fault_of(error, &spec.destination, &self.settings.generations)) {
                Some(fault) => {
                    self.counters.render_errors += 1;
                    unit.error = Some(fault.to_string());
                    unit.dirty = true;
                }
                None => unit.in_place = Some(now),
            }
        }
        self.commit_blocked = error.is_some();
        match error {
            Some(error) => {
                let wait = self.commit_backoff.next(None, &mut self.rng);
                let wait_seconds = wait.as_secs_f32();
                tracing::error!(%error, wait_seconds, "files cannot be put in place; what was there stays");
                self.pass_at = Some(Instant::now() + wait);
            }
            None => self.commit_backoff.reset(),
        }
        for path in &changed {
            tracing::info!(destination = %path.display(), "file changed");
        }
        self.counters.files_changed += changed.len() as u64;
        if !changed.is_empty() {
            self.reloader.changed(&changed);
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
            if let Some(unit) = batch.owners.remove(at).and_then(|position| self.units.get_mut(position)) {
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
            Ok(_) => self.sink_epoch = session.epoch,
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

/// What `writeToFile` asked for: the last write of a path wins, an append adds to what is there or was written before.
fn add_writes(batch: &mut Batch, writes: Vec<FileWrite>) {
    let mut files: BTreeMap<PathBuf, (FileSpec, Vec<u8>)> = BTreeMap::new();
    for write in writes {
        let path = absolute(&write.path);
        let mut content = write.content;
        if write.append {
            let before = match files.remove(&path) {
                Some((_, bytes)) => bytes,
                None => match fs::read(&path) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                    // Taken for empty it would lose what it holds.
                    Err(error) => {
                        tracing::error!(path = %path.display(), %error, "a file to append to cannot be read; it stays as it is");
                        continue;
                    }
                },
            };
            content = [before, content].concat();
        }
        let owner = |name: String| Some(name).filter(|name| !name.is_empty());
        let (user, group) = (owner(write.user), owner(write.group));
        let spec = FileSpec { destination: path.clone(), mode: write.mode, user, group, create_dirs: true };
        files.insert(path, (spec, content));
    }
    let taken = |path: &Path| batch.files.iter().any(|(spec, _)| spec.destination == path);
    files.retain(|path, _| !taken(path));
    batch.owners.resize(batch.owners.len() + files.len(), None);
    batch.files.extend(files.into_values());
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
