//! Randomness from the snapshot's seed: HMAC-SHA-256 of a counter.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// A generator that is as unpredictable as its seed, and repeats with it.
pub(crate) struct Random {
    seed: [u8; 32],
    counter: u64,
    pool: Vec<u8>,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, pool: Vec::new() }
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        if let Some(byte) = self.pool.pop() {
            return byte;
        }
        if let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.seed) {
            self.pool = mac.chain_update(self.counter.to_be_bytes()).finalize().into_bytes().to_vec();
        }
        self.counter += 1;
        self.pool.pop().unwrap_or_default()
    }

    /// A number below `bound` (which is not zero), all equally likely.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let bound = bound.max(1);
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let number = (0..8).fold(0_u64, |number, _| number << 8 | u64::from(self.byte()));
            if number < limit {
                return number % bound;
            }
        }
    }
}
