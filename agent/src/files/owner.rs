//! Users and groups by name or number. The agent is a static binary: names come from the two classic files only.

use std::path::Path;

use rustix::fs::{Gid, Uid};

use super::{Fault, FileSpec};

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// Who a file is given to; `None` is what the system gives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Owner {
    pub(super) user: Option<Uid>,
    pub(super) group: Option<Gid>,
}

impl Owner {
    pub(super) fn resolve(spec: &FileSpec) -> Result<Self, Fault> {
        let user = spec.user.as_deref().map(|name| number(spec, "user", name, USERS)).transpose()?;
        let group = spec.group.as_deref().map(|name| number(spec, "group", name, GROUPS)).transpose()?;
        Ok(Self { user: user.map(Uid::from_raw), group: group.map(Gid::from_raw) })
    }

    /// Whether a file that belongs to these two is as wanted.
    pub(super) fn holds(self, user: u32, group: u32) -> bool {
        self.user.is_none_or(|wanted| wanted.as_raw() == user)
            && self.group.is_none_or(|wanted| wanted.as_raw() == group)
    }
}

fn number(spec: &FileSpec, kind: &'static str, name: &str, database: &'static str) -> Result<u32, Fault> {
    // The highest number means "unchanged" to the system, not a user.
    let known = match name.parse() {
        Ok(number) => Some(number).filter(|number| *number != u32::MAX),
        Err(_) => look_up(Path::new(database), name),
    };
    known.ok_or_else(|| Fault::UnknownOwner { path: spec.destination.clone(), kind, name: name.to_owned(), database })
}

/// The third field of the line that begins with `name`, in both files.
pub(super) fn look_up(database: &Path, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(database).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        fields.nth(1)?.parse().ok()
    })
}
