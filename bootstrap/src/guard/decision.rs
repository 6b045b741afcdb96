//! Who may begin a cluster: a function of what is known, so that every case can stand in one table.
//!
//! OpenBao's `initialize` stanza makes a new cluster wherever it meets an empty data directory, and asks nobody. On three
//! pods it makes three clusters; on a pod that lost its volume it makes a second one beside the living quorum. A second
//! cluster is worse than none: whoever talks to it finds nothing, and what is written there is lost.

/// What is known when the question is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Situation {
    /// The pod's number in its StatefulSet.
    pub ordinal: u32,
    /// The data directory holds a raft store.
    pub has_data: bool,
    /// A cluster was made before: the job left its mark.
    pub marked: bool,
    /// What each of the other pods answers; empty with one replica.
    pub peers: Vec<Peer>,
}

/// What a peer says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// It belongs to our cluster.
    Initialized,
    /// It runs, and belongs to none.
    Uninitialized,
    /// It does not answer, or not this question.
    Silent,
    /// It belongs to a cluster that is not ours: somebody initialised it.
    Stranger,
}

/// What the pod does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Begin the cluster.
    Initialize,
    /// Start without the stanza: with the data that is there, or by joining a peer.
    Start(Why),
    /// Ask again: too little is known to do either.
    Wait,
    /// Do not start: nothing that this pod can do by itself would be right.
    Refuse,
}

/// Why a pod starts without beginning a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// Its data is there.
    Data,
    /// Only ordinal 0 begins.
    Ordinal,
    /// A peer already belongs to a cluster.
    Peer,
    /// There was a cluster, and nobody has said that it is gone.
    Marker,
}

impl Why {
    /// For the log.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Data => "the data directory holds a cluster's data: starting with it",
            Self::Ordinal => "only ordinal 0 may begin a cluster: joining",
            Self::Peer => "a peer belongs to a cluster: joining it",
            Self::Marker => "a cluster was made before: joining, not beginning another",
        }
    }
}

/// Decides.
#[must_use]
pub fn decide(situation: &Situation) -> Verdict {
    let all_unborn = situation.peers.iter().all(|peer| *peer == Peer::Uninitialized);
    if situation.has_data {
        Verdict::Start(Why::Data)
    } else if situation.ordinal != 0 {
        Verdict::Start(Why::Ordinal)
    } else if situation.peers.contains(&Peer::Stranger) {
        // Started, it would join whoever answers first.
        Verdict::Wait
    } else if situation.peers.contains(&Peer::Initialized) {
        Verdict::Start(Why::Peer)
    } else if situation.marked {
        // There was a cluster, and now every pod answers that it has none: its data is lost everywhere.
        if all_unborn { Verdict::Refuse } else { Verdict::Start(Why::Marker) }
    } else if all_unborn {
        Verdict::Initialize
    } else {
        Verdict::Wait
    }
}

#[cfg(test)]
mod tests;
