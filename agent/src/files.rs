//! Puts rendered files in place: each is complete or absent, and the files of a volume change together.
//!
//! Inside a *generation directory* (the pod's secret volume) the layout is the kubelet's: every file lives in
//! `<dir>/..gen-<unique>/`, `<dir>/..data` is a symlink to the current generation, and what the application opens is a
//! symlink to `..data/<name>`. One rename of `..data` changes all files at once. Files outside of such a directory are
//! replaced one by one, each by a temporary file and a rename.
//!
//! Nothing is synced to a disk: the files are meant for tmpfs.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::Mode;

pub use self::error::{Fault, FilesError, Operation};
use self::owner::Owner;

mod error;
mod generation;
mod handle;
mod owner;
mod plain;

#[cfg(test)]
mod tests;

/// How long a superseded generation stays for readers that resolved `..data` before the swap.
pub const READER_GRACE: Duration = Duration::from_secs(5);

/// Where a file goes and how it looks there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileSpec {
    /// Absolute path, without `..`.
    pub destination: PathBuf,
    /// Permission bits, such as `0o440`.
    pub mode: u32,
    /// Owner, a name of the agent's `/etc/passwd` or a number; `None` leaves what the system gives.
    pub user: Option<String>,
    /// Group, a name of the agent's `/etc/group` or a number; `None` leaves what the system gives (the pod's `fsGroup`).
    pub group: Option<String>,
    /// Make missing directories above the destination, with mode 0755.
    pub create_dirs: bool,
}

/// Writes files. One at a time: a second caller waits.
#[derive(Debug)]
pub struct Store {
    generations: Vec<PathBuf>,
    grace: Duration,
    turn: Mutex<()>,
}

impl Store {
    /// A store in which each of `generations` is a directory whose files change together.
    pub fn new(generations: Vec<PathBuf>) -> Self {
        Self { generations, grace: READER_GRACE, turn: Mutex::new(()) }
    }

    /// Another life for superseded generations than [`READER_GRACE`].
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Makes the files what `files` says and returns the destinations whose bytes changed, in the order of `files`.
    ///
    /// Files that are in a generation and not in `files` stay in it. Mode and owner are made right too, but do not
    /// count as a change. Blocks; what a killed process left behind is removed on the way.
    ///
    /// # Errors
    ///
    /// Paths are checked before anything is written. A directory or file that fails leaves what was there before, and
    /// does not keep the others from being committed: [`FilesError::changed`] tells which did change.
    pub fn commit(&self, files: &[(FileSpec, Vec<u8>)]) -> Result<Vec<PathBuf>, FilesError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let work = self.sort(files)?;

        let mut changed = Vec::new();
        let mut faults = Vec::new();
        for (directory, members) in &work.generations {
            match generation::commit(directory, members, self.grace) {
                Ok(mut paths) => changed.append(&mut paths),
                Err(failure) => {
                    faults.push(failure.fault);
                    changed.extend(failure.changed);
                }
            }
        }
        for file in &work.plain {
            match plain::commit(file) {
                Ok(true) => changed.push(file.position),
                Ok(false) => {}
                Err(fault) => faults.push(fault),
            }
        }

        changed.sort_unstable();
        let changed = changed.into_iter().filter_map(|position| files.get(position));
        let changed = changed.map(|(spec, _)| spec.destination.clone()).collect();
        if faults.is_empty() { Ok(changed) } else { Err(FilesError::new(faults, changed)) }
    }

    /// Removes the files that are still as they were written, and returns which. `ours` tells by path and bytes.
    ///
    /// Those of one generation go in one swap. What is not ours any more, or no regular file, stays.
    ///
    /// # Errors
    ///
    /// A directory or file that fails keeps the others from nothing: [`FilesError::changed`] tells which are gone.
    pub fn remove(&self, files: &[PathBuf], ours: &dyn Fn(&Path, &[u8]) -> bool) -> Result<Vec<PathBuf>, FilesError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut generations, mut plain) = (BTreeMap::<&Path, BTreeSet<PathBuf>>::new(), Vec::new());
        for path in files {
            match self.generation_of(path) {
                Some((directory, relative)) => drop(generations.entry(directory).or_default().insert(relative)),
                None => plain.push(path),
            }
        }
        let (mut removed, mut faults) = (Vec::new(), Vec::new());
        for (directory, stale) in &generations {
            let gone = generation::remove(directory, stale, self.grace, ours);
            removed.extend(gone.unwrap_or_else(|fault| {
                faults.push(fault);
                Vec::new()
            }));
        }
        for path in plain {
            match plain::remove(path, ours) {
                Ok(true) => removed.push(path.clone()),
                Ok(false) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(removed) } else { Err(FilesError::new(faults, removed)) }
    }

    /// Checks all paths and sorts the files by the way they are written.
    fn sort<'a>(&'a self, files: &'a [(FileSpec, Vec<u8>)]) -> Result<Work<'a>, Fault> {
        let mut seen = BTreeMap::new();
        let mut work = Work::default();
        for (position, (spec, bytes)) in files.iter().enumerate() {
            let path = checked(&spec.destination)?;
            if seen.insert(path.clone(), ()).is_some() {
                return Err(Fault::refused(&spec.destination, "two files have this destination; give each its own"));
            }
            let owner = Owner::resolve(spec)?;
            let wanted = |relative| Wanted { position, spec, relative, bytes, mode: permission_bits(spec.mode), owner };
            match self.generation_of(&path) {
                Some((directory, relative)) => {
                    let relative = inside_generation(spec, relative)?;
                    work.generations.entry(directory).or_default().push(wanted(relative));
                }
                None => work.plain.push(wanted(path)),
            }
        }
        let nested = |path: &&PathBuf| path.ancestors().skip(1).any(|above| seen.contains_key(above));
        match seen.keys().find(nested) {
            Some(path) => Err(Fault::refused(path, "a directory above it is the destination of another file")),
            None => Ok(work),
        }
    }

    /// The innermost generation directory above `path`, and the path below it.
    fn generation_of<'a>(&'a self, path: &Path) -> Option<(&'a Path, PathBuf)> {
        let candidates = self.generations.iter().filter_map(|directory| {
            let relative = path.strip_prefix(directory).ok()?;
            Some((directory.as_path(), relative.to_path_buf()))
        });
        candidates.max_by_key(|(directory, _)| directory.components().count())
    }
}

/// One file on its way to the disk.
struct Wanted<'a> {
    /// Where it stands in the caller's list.
    position: usize,
    spec: &'a FileSpec,
    /// Below the generation directory, or the whole path of a file outside of one.
    relative: PathBuf,
    bytes: &'a [u8],
    mode: Mode,
    owner: Owner,
}

impl Wanted<'_> {
    /// Directory and name of the file. The path was checked, so the name is there.
    fn split(&self) -> (&Path, &OsStr) {
        (self.relative.parent().unwrap_or_else(|| Path::new("")), self.relative.file_name().unwrap_or_default())
    }
}

/// The files of one commit, by the way they are written.
#[derive(Default)]
struct Work<'a> {
    generations: BTreeMap<&'a Path, Vec<Wanted<'a>>>,
    plain: Vec<Wanted<'a>>,
}

/// The path without `.` and doubled slashes, or why it is refused.
fn checked(path: &Path) -> Result<PathBuf, Fault> {
    if !path.is_absolute() {
        return Err(Fault::refused(path, "not an absolute path; begin it with /"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(Fault::refused(path, "contains `..`; write the path without it"));
    }
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&0) {
        return Err(Fault::refused(path, "contains a NUL byte"));
    }
    if bytes.ends_with(b"/") || path.file_name().is_none() {
        return Err(Fault::refused(path, "names a directory; add the name of a file"));
    }
    Ok(path.components().collect())
}

/// Names that begin with two dots are the machinery's own in a generation directory.
fn inside_generation(spec: &FileSpec, relative: PathBuf) -> Result<PathBuf, Fault> {
    let Some(first) = relative.components().next() else {
        return Err(Fault::refused(&spec.destination, "is the volume itself; add the name of a file"));
    };
    if first.as_os_str().as_bytes().starts_with(b"..") {
        return Err(Fault::refused(&spec.destination, "names that begin with `..` are reserved in a secret volume"));
    }
    Ok(relative)
}

fn permission_bits(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & 0o7777)
}
