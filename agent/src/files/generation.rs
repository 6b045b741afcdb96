//! The files of one volume as a generation behind one symbolic link.
//!
//! Steps of a commit: `..new-<unique>` is filled, renamed to `..gen-<unique>`, and `..data` is replaced by a link to it.
//! A process killed in between leaves a `..new-` directory, a `..link-` link or a `..gen-` directory that `..data` does not
//! name; the next commit removes them. A reader that resolved `..data` a moment ago still finds its generation: superseded
//! ones go only when the swap is older than a grace time, or when the volume is full.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, FileType},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{
    Fault, Operation, Wanted,
    handle::{self, Difference},
    plain,
};

const CURRENT: &str = "..data";
const COMPLETE: &str = "..gen-";
const UNFINISHED: &str = "..new-";
const LINK: &str = "..link-";
/// How many superseded generations may wait for their readers when commits follow each other closely.
const MOST_SUPERSEDED: usize = 16;

/// What failed, and which files (by position) changed before it did.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) changed: Vec<usize>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, changed: Vec::new() }
    }
}

/// Makes the volume hold what is wanted; returns the positions of the files whose bytes changed.
pub(super) fn commit(directory: &Path, wanted: &[Wanted<'_>], grace: Duration) -> Result<Vec<usize>, Failure> {
    let volume = Volume::open(directory, wanted.iter().any(|file| file.spec.create_dirs))?;
    volume.remove_leftovers()?;
    let current = volume.current()?;
    volume.remove_superseded(current.as_ref(), grace)?;

    let differences = wanted.iter().map(|file| difference(current.as_ref(), file)).collect::<Result<Vec<_>, _>>()?;
    let rewritten = wanted.iter().zip(&differences).filter(|(_, difference)| **difference != Difference::None);
    let rewritten: BTreeMap<_, _> = rewritten.map(|(file, _)| (file.relative.as_path(), file)).collect();
    let names: BTreeSet<_> = wanted.iter().filter_map(|file| file.relative.iter().next()).collect();
    let unlinked = volume.unlinked(names)?;

    if !rewritten.is_empty() {
        volume.advance(current.as_ref(), &Change { rewritten, ..Change::default() })?;
    }
    let changed = wanted.iter().zip(&differences).filter(|(_, difference)| **difference == Difference::Bytes);
    let changed = changed.map(|(file, _)| file.position).collect();
    // The swap is done: from here on a failure must not hide what changed.
    match volume.expose(&unlinked) {
        Ok(()) => Ok(changed),
        Err(fault) => Err(Failure { fault, changed }),
    }
}

/// Takes those of the files that are still ours out of the current generation, and the names that led to them.
pub(super) fn remove(
    directory: &Path,
    stale: &BTreeSet<PathBuf>,
    grace: Duration,
    ours: &dyn Fn(&Path, &[u8]) -> bool,
) -> Result<Vec<PathBuf>, Fault> {
    let volume = match handle::open_directory(directory) {
        Ok(fd) => Volume { path: directory, fd },
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(source) => return Err(Fault::io(Operation::OpenDirectory, directory)(source)),
    };
    let Some(current) = volume.current()? else { return Ok(Vec::new()) };
    let mut gone = BTreeSet::new();
    for path in stale {
        if current.read(path)?.is_some_and(|bytes| ours(&directory.join(path), &bytes)) {
            gone.insert(path.as_path());
        }
    }
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    volume.remove_leftovers()?;
    volume.remove_superseded(Some(&current), grace)?;
    let removed = gone.iter().map(|path| directory.join(path)).collect();
    volume.advance(Some(&current), &Change { gone, ..Change::default() })?;
    volume.unlink_dangling(stale)?;
    Ok(removed)
}

/// What distinguishes the next generation from the current one.
#[derive(Default)]
struct Change<'a> {
    rewritten: BTreeMap<&'a Path, &'a Wanted<'a>>,
    gone: BTreeSet<&'a Path>,
}

/// A generation that `..data` names.
struct Generation {
    name: OsString,
    fd: OwnedFd,
}

impl Generation {
    /// The bytes of a file; `None` when there is none.
    fn read(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        let read = handle::within(self.fd.as_fd(), parent, false, |inner| {
            handle::read(inner, name).map_err(Fault::io(Operation::Read, path))
        });
        match read {
            Err(fault) if fault.is_no_directory() => Ok(None),
            other => other,
        }
    }
}

/// A directory whose files are one generation.
struct Volume<'a> {
    path: &'a Path,
    fd: OwnedFd,
}

impl<'a> Volume<'a> {
    fn open(path: &'a Path, create: bool) -> Result<Self, Fault> {
        Ok(Self { path, fd: plain::open(path, create)? })
    }

    /// What `..data` names, if that is a generation of ours.
    fn current(&self) -> Result<Option<Generation>, Fault> {
        let target = match rustix::fs::readlinkat(&self.fd, CURRENT, Vec::new()) {
            Ok(target) => target.into_bytes(),
            Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(source) => return Err(self.fault(Operation::Read, CURRENT.as_ref())(source)),
        };
        if !target.starts_with(COMPLETE.as_bytes()) || target.contains(&b'/') {
            return Ok(None);
        }
        let name = OsString::from_vec(target);
        match handle::open_inside(self.fd.as_fd(), &name) {
            Ok(fd) => Ok(Some(Generation { name, fd })),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(source) => Err(self.fault(Operation::OpenDirectory, &name)(source)),
        }
    }

    /// Builds the next generation and swaps it in.
    fn advance(&self, current: Option<&Generation>, change: &Change<'_>) -> Result<(), Fault> {
        let unique = unique();
        let unfinished = OsString::from(format!("{UNFINISHED}{unique}"));
        let mut built = self.build(&unfinished, current, change);
        if built.as_ref().is_err_and(Fault::is_out_of_space) {
            // Room comes before readers that have dawdled since the last swap.
            self.discard(&unfinished);
            self.remove_superseded(current, Duration::ZERO)?;
            built = self.build(&unfinished, current, change);
        }
        let complete = OsString::from(format!("{COMPLETE}{unique}"));
        let swapped = built.and_then(|()| {
            self.rename(&unfinished, &complete)?;
            self.replace_link(CURRENT.as_ref(), complete.as_bytes())
        });
        if swapped.is_err() {
            self.discard(&unfinished);
            self.discard(&complete);
        }
        swapped
    }

    /// Fills a directory with what changed and, by a second name, with all else of the current generation.
    fn build(&self, name: &OsStr, current: Option<&Generation>, change: &Change<'_>) -> Result<(), Fault> {
        handle::make_directory(self.fd.as_fd(), name).map_err(self.fault(Operation::MakeDirectory, name))?;
        let opened = handle::open_inside(self.fd.as_fd(), name);
        let new = opened.map_err(self.fault(Operation::OpenDirectory, name))?;
        for file in change.rewritten.values() {
            let (parent, name) = file.split();
            handle::within(new.as_fd(), parent, true, |inner| handle::write_new(inner, name, file))?;
        }
        match current {
            Some(current) => {
                let above = change.rewritten.keys().flat_map(|path| path.ancestors().skip(1)).collect();
                let carry = Carry { volume: self, change, above };
                carry.over(current.fd.as_fd(), new.as_fd(), Path::new(""))
            }
            None => Ok(()),
        }
    }

    /// Those of the names that do not lead to the current generation yet. A directory in such a place cannot be
    /// replaced: that is said before anything is written.
    fn unlinked<'b>(&self, names: BTreeSet<&'b OsStr>) -> Result<Vec<&'b OsStr>, Fault> {
        let mut unlinked = Vec::new();
        for name in names {
            let found = rustix::fs::readlinkat(&self.fd, name, Vec::new());
            if !found.is_ok_and(|found| found.as_bytes() == link_target(name)) {
                self.refuse_directory(name)?;
                unlinked.push(name);
            }
        }
        self.refuse_directory(CURRENT.as_ref())?;
        Ok(unlinked)
    }

    fn refuse_directory(&self, name: &OsStr) -> Result<(), Fault> {
        match handle::kind(self.fd.as_fd(), name) {
            Ok(FileType::Directory) => Err(self.fault(Operation::Replace, name)(Errno::ISDIR)),
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(source) => Err(self.fault(Operation::Read, name)(source)),
        }
    }

    /// Makes the names that applications open. After the swap, so that no link ever leads nowhere.
    fn expose(&self, unlinked: &[&OsStr]) -> Result<(), Fault> {
        unlinked.iter().try_for_each(|name| self.replace_link(name, &link_target(name)))
    }

    /// Takes away the names of ours that lead nowhere now.
    fn unlink_dangling(&self, stale: &BTreeSet<PathBuf>) -> Result<(), Fault> {
        let current = self.current()?;
        for name in stale.iter().filter_map(|path| path.iter().next()).collect::<BTreeSet<_>>() {
            let leads = rustix::fs::readlinkat(&self.fd, name, Vec::new());
            let is_ours = leads.is_ok_and(|target| target.as_bytes() == link_target(name));
            let is_there = current.as_ref().is_some_and(|current| handle::kind(current.fd.as_fd(), name).is_ok());
            if is_ours && !is_there {
                rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()).map_err(self.fault(Operation::Remove, name))?;
            }
        }
        Ok(())
    }

    fn replace_link(&self, name: &OsStr, target: &[u8]) -> Result<(), Fault> {
        let temporary = OsString::from(format!("{LINK}{}", unique()));
        rustix::fs::symlinkat(OsStr::from_bytes(target), &self.fd, &temporary)
            .map_err(self.fault(Operation::Link, name))?;
        let renamed = rustix::fs::renameat(&self.fd, &temporary, &self.fd, name);
        if renamed.is_err() {
            self.discard(&temporary);
        }
        renamed.map_err(self.fault(Operation::Replace, name))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), Fault> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to).map_err(self.fault(Operation::Replace, to))
    }

    /// Removes what a killed run did not finish.
    fn remove_leftovers(&self) -> Result<(), Fault> {
        for name in self.names_with(&[UNFINISHED, LINK])? {
            self.discard(&name);
        }
        Ok(())
    }

    /// Removes generations that are no longer current, once their readers had time to open what they resolved.
    fn remove_superseded(&self, current: Option<&Generation>, grace: Duration) -> Result<(), Fault> {
        let mut superseded = self.names_with(&[COMPLETE])?;
        superseded.retain(|name| current.is_none_or(|current| current.name != *name));
        if superseded.is_empty() {
            return Ok(());
        }
        superseded.sort_unstable();
        let kept = if self.since_swap().is_some_and(|age| age < grace) { MOST_SUPERSEDED } else { 0 };
        let removed = superseded.len().saturating_sub(kept);
        for name in superseded.iter().take(removed) {
            self.discard(name);
        }
        Ok(())
    }

    /// How long ago `..data` was made; `None` when there is none or the clock went back.
    fn since_swap(&self) -> Option<Duration> {
        let stat = rustix::fs::statat(&self.fd, CURRENT, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let made = Duration::new(u64::try_from(stat.st_mtime).ok()?, u32::try_from(stat.st_mtime_nsec).ok()?);
        SystemTime::now().duration_since(UNIX_EPOCH.checked_add(made)?).ok()
    }

    fn names_with(&self, prefixes: &[&str]) -> Result<Vec<OsString>, Fault> {
        let listed = handle::entries(self.fd.as_fd());
        let mut names = listed.map_err(Fault::io(Operation::List, self.path))?;
        names.retain(|name| prefixes.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes())));
        Ok(names)
    }

    /// Removes what is not needed any more. Failing is no reason to stop: it is tried again at the next commit.
    fn discard(&self, name: &OsStr) {
        if let Err(error) = handle::remove_tree(self.fd.as_fd(), name) {
            tracing::warn!(path = %self.path.join(name).display(), %error, "cannot remove what is no longer needed");
        }
    }

    fn fault(&self, operation: Operation, name: &OsStr) -> impl FnOnce(Errno) -> Fault + use<> {
        let path = self.path.join(name);
        move |source| Fault::io(operation, &path)(source)
    }
}

/// Carries over what a commit does not touch.
struct Carry<'a> {
    volume: &'a Volume<'a>,
    change: &'a Change<'a>,
    /// Directories of what is rewritten.
    above: BTreeSet<&'a Path>,
}

impl Carry<'_> {
    fn over(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, relative: &Path) -> Result<(), Fault> {
        let listed = handle::entries(from);
        for name in listed.map_err(self.volume.fault(Operation::List, relative.as_os_str()))? {
            let path = relative.join(&name);
            // A file that becomes a directory, or the other way round, makes way for what is wanted now.
            if self.change.rewritten.contains_key(path.as_path()) || self.change.gone.contains(path.as_path()) {
                continue;
            }
            match handle::kind(from, &name).map_err(self.volume.fault(Operation::Read, path.as_os_str()))? {
                FileType::RegularFile if !self.above.contains(path.as_path()) => handle::carry_over(from, to, &name)
                    .map_err(self.volume.fault(Operation::CarryOver, path.as_os_str()))?,
                FileType::Directory => self.directory(from, to, &name, &path)?,
                // Nothing else is ever written into a generation.
                _ => {}
            }
        }
        Ok(())
    }

    fn directory(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr, path: &Path) -> Result<(), Fault> {
        let fault = || self.volume.fault(Operation::OpenDirectory, path.as_os_str());
        let inner = handle::open_inside(from, name).map_err(fault())?;
        handle::make_directory(to, name).map_err(fault())?;
        let target = handle::open_inside(to, name).map_err(fault())?;
        self.over(inner.as_fd(), target.as_fd(), path)?;
        if self.change.gone.iter().any(|gone| gone.starts_with(path)) {
            // Only an empty one goes.
            match rustix::fs::unlinkat(to, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(source) => return Err(self.volume.fault(Operation::Remove, path.as_os_str())(source)),
            }
        }
        Ok(())
    }
}

fn difference(current: Option<&Generation>, wanted: &Wanted<'_>) -> Result<Difference, Fault> {
    let Some(current) = current else { return Ok(Difference::Bytes) };
    let (parent, name) = wanted.split();
    let compared = handle::within(current.fd.as_fd(), parent, false, |inner| handle::compare(inner, name, wanted));
    match compared {
        Err(fault) if fault.is_no_directory() => Ok(Difference::Bytes),
        other => other,
    }
}

fn link_target(name: &OsStr) -> Vec<u8> {
    [CURRENT.as_bytes(), b"/", name.as_bytes()].concat()
}

/// Sorts by age and is never the same twice in a process.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:016x}-{:08x}", now.as_nanos(), COUNT.fetch_add(1, Ordering::Relaxed))
}
