//! The node's processes and their files, read through `/proc` as root on the node would.

use std::fs;
use std::path::PathBuf;

/// One process of a pod.
pub struct Process {
    /// Its id in the node's namespace.
    pub pid: u32,
    /// Its command line, arguments separated by spaces.
    pub command: String,
}

impl Process {
    /// A path inside the process's own file system.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.pid))
    }

    /// Ends the process at once.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn kill(&self) {
        let status = std::process::Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {}: {}", self.pid, self.command);
    }
}

/// Every process of a pod, found by its uid in the control group's name.
pub fn processes(pod_uid: &str) -> Vec<Process> {
    all(|pid| fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|text| text.contains(pod_uid)))
}

/// The processes of a pod whose command line contains a text.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn process(pod_uid: &str, command: &str) -> Process {
    let found = processes(pod_uid).into_iter().find(|process| process.command.contains(command));
    found.unwrap_or_else(|| panic!("pod {pod_uid} has no process with {command:?}"))
}

/// The processes, kernel threads left out, whose environment or command line contains a text.
pub fn exposing(text: &str) -> Vec<Process> {
    all(|pid| {
        ["environ", "cmdline"].iter().any(|file| {
            fs::read(format!("/proc/{pid}/{file}"))
                .is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        })
    })
}

fn all(keep: impl Fn(u32) -> bool) -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| keep(pid))
        .map(|pid| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            Process { pid, command: String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned() }
        })
        .collect()
}
