//! Readers in a tight loop while files change.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{Store, current, file, volume};

const COMMITS: usize = 40;
const READS: usize = 10_000;

#[test]
fn readers_in_a_tight_loop_never_see_a_missing_empty_or_mixed_file() {
    let dir = volume();
    let root = dir.path();
    let store = Store::new(vec![root.into()]);
    let text = |number: usize| format!("generation {number:04}\n").repeat(300);
    let pair = |number| [file(root, "cert", &text(number)), file(root, "tls/key", &text(number))];
    store.commit(&pair(0)).unwrap();

    let done = AtomicBool::new(false);
    let (singles, pairs) = thread::scope(|scope| {
        let singles = scope.spawn(|| {
            let mut reads = 0;
            while reads < READS || !done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(root.join("tls/key")).unwrap();
                let line = text.lines().next().unwrap();
                assert_eq!(text, format!("{line}\n").repeat(300));
                reads += 1;
            }
            reads
        });
        let pairs = scope.spawn(|| {
            let mut reads = 0;
            while reads < READS || !done.load(Ordering::Relaxed) {
                let generation = current(root);
                let cert = fs::read(generation.join("cert")).unwrap();
                let key = fs::read(generation.join("tls/key")).unwrap();
                assert!(!cert.is_empty());
                assert_eq!(cert, key);
                reads += 1;
            }
            reads
        });
        for number in 1..=COMMITS {
            let changed = store.commit(&pair(number)).unwrap();
            assert_eq!(changed.len(), 2);
            thread::sleep(Duration::from_millis(15));
        }
        done.store(true, Ordering::Relaxed);
        (singles.join().unwrap(), pairs.join().unwrap())
    });
    assert!(singles >= READS && pairs >= READS);
    assert_eq!(fs::read_to_string(root.join("cert")).unwrap(), text(COMMITS));
}
