use super::Peer::{Initialized, Silent, Stranger, Uninitialized};
use super::Verdict::{Initialize, Refuse, Start, Wait};
use super::{Peer, Situation, Verdict, Why, decide};

fn verdict(ordinal: u32, has_data: bool, marked: bool, peers: &[Peer]) -> Verdict {
    decide(&Situation { ordinal, has_data, marked, peers: peers.to_vec() })
}

#[test]
fn the_whole_table() {
    type Row<'a> = (u32, bool, bool, &'a [Peer], Verdict);
    let table: [Row<'_>; 26] = [
        // ordinal, data, marker, peers
        (0, false, false, &[], Initialize),
        (0, false, false, &[Uninitialized, Uninitialized], Initialize),
        (0, false, false, &[Uninitialized, Silent], Wait),
        (0, false, false, &[Silent, Silent], Wait),
        (0, false, false, &[Silent, Initialized], Start(Why::Peer)),
        (0, false, false, &[Uninitialized, Initialized], Start(Why::Peer)),
        (0, false, false, &[Initialized, Initialized], Start(Why::Peer)),
        (0, false, false, &[Stranger, Uninitialized], Wait),
        (0, false, false, &[Stranger, Initialized], Wait),
        (0, false, true, &[Silent, Stranger], Wait),
        (0, true, true, &[Stranger, Stranger], Start(Why::Data)),
        (0, false, true, &[], Refuse),
        (0, false, true, &[Uninitialized, Uninitialized], Refuse),
        (0, false, true, &[Uninitialized, Silent], Start(Why::Marker)),
        (0, false, true, &[Silent, Silent], Start(Why::Marker)),
        (0, false, true, &[Initialized, Silent], Start(Why::Peer)),
        (0, true, false, &[], Start(Why::Data)),
        (0, true, false, &[Uninitialized, Uninitialized], Start(Why::Data)),
        (0, true, true, &[], Start(Why::Data)),
        (0, true, true, &[Initialized, Silent], Start(Why::Data)),
        (1, false, false, &[Uninitialized, Uninitialized], Start(Why::Ordinal)),
        (1, false, false, &[Silent, Silent], Start(Why::Ordinal)),
        (1, false, true, &[Uninitialized, Uninitialized], Start(Why::Ordinal)),
        (1, true, false, &[Silent, Silent], Start(Why::Data)),
        (2, false, false, &[Initialized, Initialized], Start(Why::Ordinal)),
        (2, true, true, &[Initialized, Initialized], Start(Why::Data)),
    ];
    for (ordinal, has_data, marked, peers, expected) in table {
        assert_eq!(verdict(ordinal, has_data, marked, peers), expected, "{ordinal} {has_data} {marked} {peers:?}");
    }
}

/// Whatever the peers say: nobody begins a cluster who has data, or is not the first, or where one was before, or while
/// anyone is silent or belongs to one.
#[test]
fn nothing_but_certainty_begins_a_cluster() {
    let answers = [Initialized, Uninitialized, Silent, Stranger];
    for ordinal in 0..3 {
        for (has_data, marked) in [(false, false), (false, true), (true, false), (true, true)] {
            for first in answers {
                for second in answers {
                    let certain =
                        ordinal == 0 && !has_data && !marked && first == Uninitialized && second == Uninitialized;
                    let begins = verdict(ordinal, has_data, marked, &[first, second]) == Initialize;
                    assert_eq!(begins, certain, "{ordinal} {has_data} {marked} {first:?} {second:?}");
                }
            }
        }
    }
}
