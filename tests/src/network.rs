//! A pod's network, cut off from everybody but itself.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

const RULES: &str = "add table inet cut
add chain inet cut in { type filter hook input priority 0; }
add rule inet cut in iifname != lo drop
add chain inet cut out { type filter hook output priority 0; }
add rule inet cut out oifname != lo drop
";

/// Whole again when dropped.
pub struct Cut {
    pid: String,
}

impl Cut {
    /// Drops every packet in the network namespace of a process.
    #[track_caller]
    pub fn off(pid: u32) -> Self {
        let cut = Self { pid: pid.to_string() };
        assert!(cut.rules(RULES), "nft takes the rules");
        cut
    }

    fn rules(&self, rules: &str) -> bool {
        let mut child = Command::new("nsenter")
            .args(["-t", &self.pid, "-n", "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("nsenter and nft are part of the node");
        child.stdin.take().expect("piped").write_all(rules.as_bytes()).ok();
        child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        let whole = self.rules("delete table inet cut\n");
        // The pod may be gone, and its network with it.
        let gone = !Path::new("/proc").join(&self.pid).exists();
        assert!(whole || gone || thread::panicking(), "the network of process {} is still cut off", self.pid);
    }
}
