//! Waiting for something to become true, with the last reason when it did not.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks `probe` every 100 ms until it answers `Ok`, and gives its value.
///
/// # Panics
/// When `limit` has passed: with `what` and the probe's last reason.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(value) => return value,
            Err(reason) => assert!(start.elapsed() < limit, "after {limit:?} still not: {what}: {reason}"),
        }
        sleep(Duration::from_millis(100));
    }
}

/// [`until`] for a condition without a value.
#[track_caller]
pub fn until_true(what: &str, limit: Duration, mut probe: impl FnMut() -> bool) {
    until(what, limit, || if probe() { Ok(()) } else { Err("not yet".to_owned()) });
}
