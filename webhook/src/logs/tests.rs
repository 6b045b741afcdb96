use std::io;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Layer {
    text: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[test]
fn a_chain_names_every_cause_once() {
    let inner = Layer { text: "cannot read /x", source: Some(io::Error::other("no such file").into()) };
    let repeats = Layer { text: "bad files: cannot read /x", source: Some(inner.into()) };
    let outer = Layer { text: "cannot start", source: Some(repeats.into()) };
    assert_eq!(chain(&outer), "cannot start: bad files: cannot read /x: no such file");
    assert_eq!(chain(&Layer { text: "alone", source: None }), "alone");
}
