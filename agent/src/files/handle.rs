//! Single files and directories by handle: nothing here follows a symbolic link below the directory it was given.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Component, Path},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{Fault, Operation, Wanted};

/// Deep enough for any destination; a deeper tree is somebody's trap, not ours to remove.
const DEEPEST: usize = 64;
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);
/// What an entry of a generation may be opened with: a link is refused, a pipe does not block.
const EXISTING: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

/// How the file in place compares with the wanted one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Difference {
    /// Nothing to do.
    None,
    /// Same bytes, other mode or owner.
    Attributes,
    /// Other bytes, or no regular file there.
    Bytes,
}

/// Opens a directory by its path; the path itself may lead through links, it is the administrator's.
pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, DIRECTORY, Mode::empty())
}

/// Opens a directory inside of another; a link in its place is an error.
pub(super) fn open_inside(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
}

/// Compares the file `name` of `directory` with what is wanted.
pub(super) fn compare(directory: BorrowedFd<'_>, name: &OsStr, wanted: &Wanted<'_>) -> Result<Difference, Fault> {
    let fault = || Fault::io(Operation::Read, &wanted.spec.destination);
    let fd = match rustix::fs::openat(directory, name, EXISTING, Mode::empty()) {
        Ok(fd) => fd,
        // What the agent cannot read it gave away, or it is not the agent's: write it anew.
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS) => return Ok(Difference::Bytes),
        Err(source) => return Err(fault()(source)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(fault())?;
    if !is_regular(&stat) || u64::try_from(stat.st_size) != Ok(wanted.bytes.len() as u64) {
        return Ok(Difference::Bytes);
    }
    if !same_bytes(&mut File::from(fd), wanted.bytes).map_err(|error| fault()(errno(&error)))? {
        return Ok(Difference::Bytes);
    }
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
    let same = mode == wanted.mode && wanted.owner.holds(stat.st_uid, stat.st_gid);
    Ok(if same { Difference::None } else { Difference::Attributes })
}

/// The bytes of a regular file; `None` when it is none, is not there, or may not be read.
pub(super) fn read(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Zeroizing<Vec<u8>>>, Errno> {
    let fd = match rustix::fs::openat(directory, name, EXISTING, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS) => return Ok(None),
        Err(source) => return Err(source),
    };
    let stat = rustix::fs::fstat(&fd)?;
    if !is_regular(&stat) {
        return Ok(None);
    }
    // With this room nothing is left behind by a buffer that grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or_default() + 1));
    File::from(fd).read_to_end(&mut bytes).map_err(|error| errno(&error))?;
    Ok(Some(bytes))
}

/// Writes a new file that nobody else can open before its owner and mode are set.
pub(super) fn write_new(directory: BorrowedFd<'_>, name: &OsStr, wanted: &Wanted<'_>) -> Result<(), Fault> {
    let fault = |operation| Fault::io(operation, &wanted.spec.destination);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR).map_err(fault(Operation::Create))?;
    write_all(&fd, wanted.bytes).map_err(fault(Operation::Write))?;
    let (user, group) = (wanted.owner.user, wanted.owner.group);
    if user.is_some() || group.is_some() {
        rustix::fs::fchown(&fd, user, group).map_err(fault(Operation::SetOwner))?;
    }
    rustix::fs::fchmod(&fd, wanted.mode).map_err(fault(Operation::SetMode))
}

/// Carries a regular file of one generation over to the next: a second name, or a copy where the system allows none.
pub(super) fn carry_over(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::linkat(from, name, to, name, AtFlags::empty()) {
        Err(Errno::PERM | Errno::ACCESS | Errno::MLINK) => copy(from, to, name),
        other => other,
    }
}

/// Runs `task` with the directory `relative` below `root`, which is made when `create` says so.
pub(super) fn within<T>(
    root: BorrowedFd<'_>,
    relative: &Path,
    create: bool,
    task: impl FnOnce(BorrowedFd<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut current: Option<OwnedFd> = None;
    for part in relative.components() {
        let Component::Normal(name) = part else { continue };
        let above = current.as_ref().map_or(root, AsFd::as_fd);
        let made = if create { make_directory(above, name) } else { Ok(()) };
        let opened = made.and_then(|()| open_inside(above, name));
        current = Some(opened.map_err(Fault::io(Operation::OpenDirectory, relative))?);
    }
    task(current.as_ref().map_or(root, AsFd::as_fd))
}

/// Makes a directory that others may enter; one that is there is left as it is.
pub(super) fn make_directory(above: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::mkdirat(above, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => open_to_all(open_inside(above, name)?.as_fd()),
        Err(Errno::EXIST) => Ok(()),
        Err(source) => Err(source),
    }
}

/// Entries of a directory, without `.` and `..`.
pub(super) fn entries(directory: BorrowedFd<'_>) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}

/// What an entry is, without following it.
pub(super) fn kind(directory: BorrowedFd<'_>, name: &OsStr) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// Removes an entry and, of a directory, all that is in it.
pub(super) fn remove_tree(directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    remove_below(directory, name, DEEPEST)
}

fn remove_below(directory: BorrowedFd<'_>, name: &OsStr, deepest: usize) -> Result<(), Errno> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) if deepest > 0 => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return other,
    }
    let inner = open_inside(directory, name)?;
    for entry in entries(inner.as_fd())? {
        remove_below(inner.as_fd(), &entry, deepest.saturating_sub(1))?;
    }
    rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)
}

/// Mode 0755 whatever the umask is. The set-group-ID bit of a volume with an `fsGroup` is kept: files inherit the group
/// by it.
fn open_to_all(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    let mode = rustix::fs::fstat(directory)?.st_mode & 0o7777;
    let wanted = 0o755 | (mode & 0o2000);
    if mode == wanted { Ok(()) } else { rustix::fs::fchmod(directory, Mode::from_raw_mode(wanted)) }
}

fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    let source = rustix::fs::openat(from, name, EXISTING, Mode::empty())?;
    let stat = rustix::fs::fstat(&source)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or_default()));
    File::from(source).read_to_end(&mut bytes).map_err(|error| errno(&error))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = rustix::fs::openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
    write_all(&target, &bytes)?;
    let (user, group) = (rustix::fs::Uid::from_raw(stat.st_uid), rustix::fs::Gid::from_raw(stat.st_gid));
    let made = rustix::fs::fstat(&target)?;
    if (made.st_uid, made.st_gid) != (stat.st_uid, stat.st_gid) {
        rustix::fs::fchown(&target, Some(user), Some(group))?;
    }
    rustix::fs::fchmod(&target, Mode::from_raw_mode(stat.st_mode & 0o7777))
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(source) => return Err(source),
        }
    }
    Ok(())
}

/// The file is known to be as long as what is wanted.
fn same_bytes(file: &mut File, mut wanted: &[u8]) -> std::io::Result<bool> {
    let mut buffer = Zeroizing::new([0_u8; 4096]);
    while !wanted.is_empty() {
        let count = file.read(buffer.as_mut_slice())?;
        let read = buffer.get(..count).filter(|read| !read.is_empty());
        let Some(rest) = read.and_then(|read| wanted.strip_prefix(read)) else { return Ok(false) };
        wanted = rest;
    }
    Ok(true)
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
