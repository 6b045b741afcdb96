//! What can go wrong with a file, said with its path, the operation and what to do.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

/// A commit that did not go through, or not for all files.
#[derive(Debug, thiserror::Error)]
#[error("{}", Joined(.faults))]
pub struct FilesError {
    faults: Vec<Fault>,
    changed: Vec<PathBuf>,
}

impl FilesError {
    pub(super) fn new(faults: Vec<Fault>, changed: Vec<PathBuf>) -> Self {
        Self { faults, changed }
    }

    /// Each thing that went wrong; at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Destinations whose bytes changed nevertheless: those who read them want to be told.
    pub fn changed(&self) -> &[PathBuf] {
        &self.changed
    }
}

impl From<Fault> for FilesError {
    fn from(fault: Fault) -> Self {
        Self::new(vec![fault], Vec::new())
    }
}

/// One thing that went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The request cannot be carried out as written.
    #[error("{}: {reason}", path.display())]
    Refused {
        /// Destination or directory.
        path: PathBuf,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A user or group that the agent's own system does not know.
    #[error("{}: no {kind} {name:?} in the agent's {database}; give the number", path.display())]
    UnknownOwner {
        /// Destination.
        path: PathBuf,
        /// `user` or `group`.
        kind: &'static str,
        /// As given.
        name: String,
        /// File that was searched.
        database: &'static str,
    },
    /// The system said no.
    #[error("cannot {operation} {}: {source}{}", path.display(), advice(*operation, *source))]
    Io {
        /// What was tried.
        operation: Operation,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: Errno,
    },
}

impl Fault {
    pub(super) fn refused(path: &Path, reason: &'static str) -> Self {
        Self::Refused { path: path.to_path_buf(), reason }
    }

    pub(super) fn io(operation: Operation, path: &Path) -> impl FnOnce(Errno) -> Self + use<'_> {
        move |source| Self::Io { operation, path: path.to_path_buf(), source }
    }

    /// Whether a directory on the way is not there, or is something else.
    pub(super) fn is_no_directory(&self) -> bool {
        matches!(
            self,
            Self::Io { operation: Operation::OpenDirectory, source: Errno::NOENT | Errno::NOTDIR | Errno::LOOP, .. }
        )
    }

    /// Whether room on the volume would have helped.
    pub fn is_out_of_space(&self) -> bool {
        matches!(self, Self::Io { source, .. } if out_of_space(*source))
    }
}

/// What was tried when the system said no.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Open a directory.
    OpenDirectory,
    /// Make a directory.
    MakeDirectory,
    /// List a directory.
    List,
    /// Create a file.
    Create,
    /// Write a file.
    Write,
    /// Read a file that is in place.
    Read,
    /// Set user and group.
    SetOwner,
    /// Set permissions.
    SetMode,
    /// Carry a file over to the next generation.
    CarryOver,
    /// Make a symbolic link.
    Link,
    /// Put a new file or link in place of the old one.
    Replace,
    /// Take away what is no longer wanted.
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenDirectory => "open the directory",
            Self::MakeDirectory => "make the directory",
            Self::List => "list the directory",
            Self::Create => "create",
            Self::Write => "write",
            Self::Read => "read",
            Self::SetOwner => "set the owner of",
            Self::SetMode => "set the mode of",
            Self::CarryOver => "carry over",
            Self::Link => "link",
            Self::Replace => "replace",
            Self::Remove => "remove",
        })
    }
}

/// What to do about it, where that can be said.
fn advice(operation: Operation, source: Errno) -> &'static str {
    match (operation, source) {
        (_, source) if out_of_space(source) => {
            "; the volume is full: raise its sizeLimit (what changes needs room twice); the files in place are untouched"
        }
        (_, Errno::ROFS) => "; the volume is read-only for the agent: mount it without readOnly",
        (Operation::SetOwner, Errno::PERM) => {
            "; the agent may not give files away: leave user and group out and use the pod's fsGroup, \
             or run the agent as that user or with CAP_CHOWN"
        }
        (_, Errno::ACCESS | Errno::PERM) => "; the agent's user has no permission: check the volume's fsGroup and mode",
        (Operation::OpenDirectory, Errno::NOENT) => "; mount a volume there, or let the agent make directories",
        (Operation::Replace, Errno::BUSY) => {
            "; a single file is mounted there (subPath), which nobody can replace: mount its directory instead"
        }
        (Operation::Replace, Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY) => {
            "; a directory is in the way: move it or choose another destination"
        }
        (_, Errno::NOTDIR | Errno::LOOP) => "; a part of the path is a file or a symbolic link: remove it",
        _ => "",
    }
}

fn out_of_space(source: Errno) -> bool {
    matches!(source, Errno::NOSPC | Errno::DQUOT)
}

struct Joined<'a>(&'a [Fault]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}
