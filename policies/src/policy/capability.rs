//! What a rule can grant, one by one and together.

use super::Dialect;

/// What a rule can grant.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Capability {
    /// `create`
    Create,
    /// `read`
    Read,
    /// `update`
    Update,
    /// `patch`
    Patch,
    /// `delete`
    Delete,
    /// `list`
    List,
    /// `scan`, OpenBao's recursive list
    Scan,
    /// `sudo`
    Sudo,
    /// `deny`
    Deny,
    /// `recover`, Vault's reading from a snapshot
    Recover,
    /// `subscribe`, Vault's events
    Subscribe,
}

impl Capability {
    /// Every capability of OpenBao, in the order in which we write them.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::List,
        Self::Scan,
        Self::Sudo,
        Self::Deny,
    ];

    /// Every capability of Vault, in the same order.
    pub const VAULT: [Self; 10] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::List,
        Self::Sudo,
        Self::Deny,
        Self::Recover,
        Self::Subscribe,
    ];

    /// The word that stands in a policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Sudo => "sudo",
            Self::Deny => "deny",
            Self::Recover => "recover",
            Self::Subscribe => "subscribe",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::parse_for(Dialect::OpenBao, word)
    }

    pub(crate) fn parse_for(dialect: Dialect, word: &str) -> Option<Self> {
        let known: &[Self] = if dialect == Dialect::OpenBao { &Self::ALL } else { &Self::VAULT };
        known.iter().copied().find(|capability| capability.word() == word)
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Capabilities together.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct CapabilitySet(u16);

impl CapabilitySet {
    /// True when the capability is among them.
    #[must_use]
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// True when nothing is granted.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other set lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The words, sorted, as the server answers: `deny` alone when nothing is granted or `deny` is among them.
    #[must_use]
    pub fn answer(self) -> Vec<&'static str> {
        if self.is_empty() || self.contains(Capability::Deny) {
            return vec![Capability::Deny.word()];
        }
        let mut words: Vec<_> = self.iter().map(Capability::word).collect();
        words.sort_unstable();
        words
    }

    /// What a token really gets: nothing, when `deny` is among them.
    #[must_use]
    pub fn granted(self) -> Self {
        if self.contains(Capability::Deny) { Self::default() } else { self }
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        const EVERY: [Capability; 11] = [
            Capability::Create,
            Capability::Read,
            Capability::Update,
            Capability::Patch,
            Capability::Delete,
            Capability::List,
            Capability::Scan,
            Capability::Sudo,
            Capability::Deny,
            Capability::Recover,
            Capability::Subscribe,
        ];
        EVERY.into_iter().filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().fold(0, |bits, capability| bits | capability.bit()))
    }
}
