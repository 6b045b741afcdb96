//! A file outside of a generation directory: temporary file, then rename.

use std::{
    ffi::OsString,
    fs::DirBuilder,
    hash::{DefaultHasher, Hash, Hasher},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::Path,
};

use rustix::{fs::AtFlags, io::Errno};

use super::{
    Fault, Operation, Wanted,
    handle::{self, Difference},
};

/// Makes one file what is wanted; true when its bytes changed.
pub(super) fn commit(wanted: &Wanted<'_>) -> Result<bool, Fault> {
    let (parent, name) = wanted.split();
    let directory = open(parent, wanted.spec.create_dirs)?;
    let temporary = temporary_name(wanted);
    // A killed run may have left it; there is one such name for each destination.
    remove_temporary(&directory, &temporary, wanted)?;

    let difference = handle::compare(directory.as_fd(), name, wanted)?;
    if difference == Difference::None {
        return Ok(false);
    }
    let written = handle::write_new(directory.as_fd(), &temporary, wanted).and_then(|()| {
        rustix::fs::renameat(&directory, &temporary, &directory, name)
            .map_err(Fault::io(Operation::Replace, &wanted.spec.destination))
    });
    if let Err(fault) = written {
        // The first fault is the one to tell; what is left goes at the next commit.
        let _ = rustix::fs::unlinkat(&directory, &temporary, AtFlags::empty());
        return Err(fault);
    }
    Ok(difference == Difference::Bytes)
}

/// Removes a file that is still ours; false when it is not, or not there.
pub(super) fn remove(path: &Path, ours: &dyn Fn(&Path, &[u8]) -> bool) -> Result<bool, Fault> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    let directory = match handle::open_directory(parent) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(false),
        Err(source) => return Err(Fault::io(Operation::OpenDirectory, parent)(source)),
    };
    let bytes = handle::read(directory.as_fd(), name).map_err(Fault::io(Operation::Read, path))?;
    if !bytes.is_some_and(|bytes| ours(path, &bytes)) {
        return Ok(false);
    }
    rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(Fault::io(Operation::Remove, path))?;
    Ok(true)
}

/// Opens a directory, which is made with mode 0755 when it is missing and `create` says so.
pub(super) fn open(path: &Path, create: bool) -> Result<OwnedFd, Fault> {
    match handle::open_directory(path) {
        Err(Errno::NOENT) if create => {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
            made.map_err(|error| {
                Fault::io(Operation::MakeDirectory, path)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            })?;
            handle::open_directory(path).map_err(Fault::io(Operation::OpenDirectory, path))
        }
        other => other.map_err(Fault::io(Operation::OpenDirectory, path)),
    }
}

/// Hidden, of fixed length whatever the name's length is.
fn temporary_name(wanted: &Wanted<'_>) -> OsString {
    let mut hasher = DefaultHasher::new();
    wanted.relative.hash(&mut hasher);
    OsString::from(format!(".blinkchamber-{:016x}.new", hasher.finish()))
}

fn remove_temporary(directory: &OwnedFd, temporary: &OsString, wanted: &Wanted<'_>) -> Result<(), Fault> {
    match rustix::fs::unlinkat(directory, temporary, AtFlags::empty()) {
        // On a read-only volume this says EROFS even when nothing is there: comparing may still succeed.
        Ok(()) | Err(Errno::NOENT | Errno::ROFS | Errno::ACCESS) => Ok(()),
        Err(source) => Err(Fault::io(Operation::Replace, &wanted.spec.destination)(source)),
    }
}
