//! Processes of the pod by name, from `/proc`.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::time::{ClockId, clock_gettime};

/// The system cuts the name in `comm` after this many bytes.
const COMM_LENGTH: usize = 15;
/// Programs whose first argument says what they run; a version may follow the name.
const INTERPRETERS: [&str; 12] =
    ["ash", "bash", "busybox", "dash", "ksh", "lua", "node", "perl", "php", "python", "ruby", "sh"];

/// A point in time as the process table counts it: hundredths of a second since the machine started.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Moment(u64);

impl Moment {
    /// The first one that is not over: what starts at it or later starts after this call began.
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
        Self(seconds.saturating_mul(100).saturating_add(nanoseconds.div_ceil(10_000_000)))
    }
}

/// A process that was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    pub(super) started: Moment,
}

/// The process table.
pub(super) struct Table {
    root: PathBuf,
    own: i32,
}

impl Table {
    /// The table of the agent's own process namespace.
    pub(super) fn of_system() -> Self {
        Self { root: PathBuf::from("/proc"), own: own_pid() }
    }

    /// Processes with this name whose parent has another one: of a server with workers, the one that leads them. The
    /// agent is never among them.
    pub(super) fn leaders(&self, name: &str) -> io::Result<Vec<Process>> {
        let mut named = BTreeMap::new();
        for entry in fs::read_dir(&self.root)? {
            let name_of_entry = entry?.file_name();
            let Some(pid) = name_of_entry.to_str().and_then(|text| text.parse::<i32>().ok()) else { continue };
            if let Some(process) = self.process_if_named(pid, name) {
                named.insert(pid, process);
            }
        }
        Ok(named.values().filter(|process| !named.contains_key(&process.parent)).copied().collect())
    }

    /// Whether a process has this name now.
    pub(super) fn is_named(&self, pid: i32, name: &str) -> bool {
        self.process_if_named(pid, name).is_some()
    }

    /// Whether the agent is the first process of its namespace, that is, shares it with nobody.
    pub(super) fn is_alone(&self) -> bool {
        self.own == 1
    }

    fn process_if_named(&self, pid: i32, name: &str) -> Option<Process> {
        if pid == self.own {
            return None;
        }
        let directory = self.root.join(pid.to_string());
        let (state, parent, started) = parse_stat(&fs::read_to_string(directory.join("stat")).ok()?)?;
        let dead = matches!(state, 'Z' | 'X' | 'x');
        (!dead && has_name(&directory, name.as_bytes())).then_some(Process { pid, parent, started })
    }
}

/// State, parent and start from `stat`: fields 3, 4 and 22 of proc(5). The name in it may hold spaces and brackets.
fn parse_stat(text: &str) -> Option<(char, i32, Moment)> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let (state, parent) = (fields.next()?.chars().next()?, fields.next()?.parse().ok()?);
    Some((state, parent, Moment(fields.nth(17)?.parse().ok()?)))
}

/// Compares with all that a process is called by. Of another user's process the executable cannot be read, the rest can.
fn has_name(directory: &Path, name: &[u8]) -> bool {
    let executable = fs::read_link(directory.join("exe"));
    if executable.is_ok_and(|path| base_name(path.as_os_str().as_bytes()) == name) {
        return true;
    }
    let comm = fs::read(directory.join("comm")).unwrap_or_default();
    if comm.trim_ascii_end() == name.get(..COMM_LENGTH).unwrap_or(name) {
        return true;
    }
    let command_line = fs::read(directory.join("cmdline")).unwrap_or_default();
    is_called(&command_line, name)
}

fn is_called(command_line: &[u8], name: &[u8]) -> bool {
    let mut arguments = command_line.split(|byte| *byte == 0);
    let first = arguments.next().unwrap_or_default();
    // A login shell begins with a dash; a program that sets its title puts the name before a colon or space.
    let first = first.strip_prefix(b"-").unwrap_or(first);
    let title = first.split(|byte| *byte == b' ').next().unwrap_or_default();
    let title = title.strip_suffix(b":").unwrap_or(title);
    if base_name(first) == name || base_name(title) == name {
        return true;
    }
    let script = arguments.find(|argument| !argument.is_empty() && !argument.starts_with(b"-"));
    is_interpreter(base_name(first)) && script.is_some_and(|script| base_name(script) == name)
}

fn is_interpreter(program: &[u8]) -> bool {
    INTERPRETERS.iter().any(|known| {
        let version = program.strip_prefix(known.as_bytes());
        version.is_some_and(|version| version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
    })
}

/// The part after the last slash, without what the system appends when the file was replaced.
fn base_name(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    Path::new(OsStr::from_bytes(path)).file_name().map_or(path, OsStr::as_bytes)
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
