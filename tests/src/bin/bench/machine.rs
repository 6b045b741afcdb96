//! The machine, the programs, and what the kernel says of a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use blinkchamber_test_tools::tool;

/// A child process that does not outlive its measurement.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts a program with its output thrown away.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
    }

    /// One line of `/proc/PID/status` in MB.
    pub(crate) fn memory(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it is alive");
        let line = status.lines().find(|line| line.starts_with(field)).expect("the kernel says so");
        let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).expect("a number");
        kilobytes / 1024.0
    }

    /// CPU seconds used so far, user and system.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it is alive");
        let rest = stat.rsplit(')').next().expect("the name ends with )");
        let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|number| number.parse::<f64>().ok()).sum();
        ticks / 100.0 // USER_HZ is 100 on Linux
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Seconds until something is true, looked at every half millisecond.
pub(crate) fn seconds_until(limit: Duration, mut done: impl FnMut() -> bool) -> f64 {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "not done after {limit:?}");
        std::thread::sleep(Duration::from_micros(500));
    }
    start.elapsed().as_secs_f64()
}

/// The middle one of several measurements.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Size of a file in MB.
pub(crate) fn size(path: &PathBuf) -> f64 {
    let bytes = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len();
    f64::from(u32::try_from(bytes / 1024).expect("not that large")) / 1024.0
}

/// A program of ours, beside this one in the target folder.
pub(crate) fn ours(profile: &str, name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let target = this.parent().and_then(Path::parent).expect("it lies in a profile's folder");
    target.join(profile).join(name)
}

/// Processor, memory, versions, date.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |name| name.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let output = |program: PathBuf, argument: &str| {
        let output = Command::new(program).arg(argument).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned()
    };
    let date = output("date".into(), "+%Y-%m-%d");
    format!(
        "{date}, {cores} cores of {model}, {}, {}.",
        output(tool("bao"), "version"),
        output("rustc".into(), "--version")
    )
}
