//! A client at work beside a test: does the same thing at a fixed pace, and remembers what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::wait;

/// How long a client keeps a connection.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Session {
    /// One, opened again only when it breaks.
    Kept,
    /// One for each thing it does.
    Fresh,
}

/// What a client saw.
#[derive(Default)]
pub struct Seen {
    /// Numbers of what was acknowledged.
    pub acknowledged: Vec<i64>,
    /// Those of them that a second server has confirmed, where that is asked for.
    pub confirmed: BTreeSet<i64>,
    /// What it was told instead, and how often.
    pub errors: BTreeMap<String, usize>,
    /// The longest time between two successes.
    pub gap: Duration,
}

impl Seen {
    /// How often it was told anything else.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.errors.values().sum()
    }

    /// The end of a line for people.
    #[must_use]
    pub fn troubles(&self) -> String {
        format!("longest pause {:.1} s, {} errors {:?}", self.gap.as_secs_f32(), self.failures(), self.errors)
    }
}

/// A client at work.
pub struct Load {
    patience: Duration,
    stop: Arc<AtomicBool>,
    successes: Arc<AtomicUsize>,
    thread: JoinHandle<Seen>,
}

impl Load {
    /// Begins with number 0, one in each `pace`, and waits for the first successes. `act` notes what was acknowledged itself,
    /// for it may fail after that.
    #[track_caller]
    pub fn start(
        pace: Duration,
        patience: Duration,
        mut act: impl FnMut(i64, &mut Seen) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let (stop, successes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, count) = (Arc::clone(&stop), Arc::clone(&successes));
        let thread = spawn(move || {
            let (mut seen, mut last) = (Seen::default(), Instant::now());
            for number in 0.. {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let begun = Instant::now();
                match act(number, &mut seen) {
                    Ok(()) => {
                        seen.gap = seen.gap.max(last.elapsed());
                        last = Instant::now();
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => *seen.errors.entry(error).or_default() += 1,
                }
                sleep(pace.saturating_sub(begun.elapsed()));
            }
            seen
        });
        let load = Self { patience, stop, successes, thread };
        load.goes_on("the client's first successes");
        load
    }

    /// Waits for successes from now on.
    #[track_caller]
    pub fn goes_on(&self, what: &str) {
        let before = self.successes.load(Ordering::Relaxed);
        wait::until_true(what, self.patience, || self.successes.load(Ordering::Relaxed) >= before + 5);
    }

    /// Ends it.
    #[track_caller]
    pub fn end(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client ends")
    }
}
