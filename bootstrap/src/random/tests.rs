use std::collections::BTreeSet;

use super::{ALPHABET, bytes, password};

#[test]
fn passwords_have_their_length_and_only_safe_characters() {
    for length in [1, 32, 40, 400] {
        let one = password(length).unwrap();
        assert_eq!(one.len(), length);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)), "safe everywhere");
    }
    assert!(password(0).unwrap().is_empty());
}

#[test]
fn passwords_differ_and_use_the_whole_alphabet() {
    let many: BTreeSet<_> = (0..100).map(|_| password(20).unwrap().to_string()).collect();
    assert_eq!(many.len(), 100);
    let used: BTreeSet<_> = password(4000).unwrap().bytes().collect();
    assert_eq!(used.len(), ALPHABET.len());
}

#[test]
fn long_requests_are_filled_to_the_end() {
    let long = bytes(10_000).unwrap();
    assert_eq!(long.len(), 10_000);
    assert!(long.rchunks(100).next().unwrap().iter().any(|byte| *byte != 0), "the tail is random too");
}
