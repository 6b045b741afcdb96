//! How much clients may ask for at once: connections, and bytes of reviews and answers. In all, so that the memory has
//! a bound, and for one address, so that a client that takes what it can get does not take it from the API server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// The limits. With two requests being worked on, each of which may take some 25 MiB for a pod of the most values, the
/// sum stays below the 128 MiB that the chart gives a replica.
#[derive(Clone, Debug)]
pub(crate) struct Most {
    pub(crate) connections: usize,
    /// Connections of one address. An API server that speaks HTTP/2 uses one; several may share an address behind a
    /// proxy.
    pub(crate) connections_of_one: usize,
    /// Bytes of bodies that are arriving or being worked on, and of answers that the client has not taken yet.
    pub(crate) bytes: usize,
    /// The same, of one address.
    pub(crate) bytes_of_one: usize,
}

impl Default for Most {
    fn default() -> Self {
        Self { connections: 1024, connections_of_one: 256, bytes: 32 << 20, bytes_of_one: 12 << 20 }
    }
}

/// What is taken at the moment.
pub(crate) struct Load {
    most: Most,
    connections: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// Addresses with a connection.
    sources: Mutex<HashMap<IpAddr, Source>>,
    metrics: Arc<Metrics>,
}

#[derive(Clone)]
struct Source {
    connections: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl Load {
    pub(crate) fn new(most: Most, metrics: Arc<Metrics>) -> Arc<Self> {
        let connections = Arc::new(Semaphore::new(most.connections));
        let bytes = Arc::new(Semaphore::new(most.bytes));
        Arc::new(Self { most, connections, bytes, sources: Mutex::default(), metrics })
    }

    /// Takes one more connection.
    ///
    /// # Errors
    /// Which limit is reached.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Result<Client, &'static str> {
        let address = address.to_canonical();
        let slot = Arc::clone(&self.connections).try_acquire_owned().map_err(|_| "too many connections")?;
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let source = sources.entry(address).or_insert_with(|| Source {
            connections: Arc::new(Semaphore::new(self.most.connections_of_one)),
            bytes: Arc::new(Semaphore::new(self.most.bytes_of_one)),
        });
        let own =
            Arc::clone(&source.connections).try_acquire_owned().map_err(|_| "too many connections of this address")?;
        Ok(Client { bytes: Arc::clone(&source.bytes), load: Arc::clone(self), address, own: Some(own), _slot: slot })
    }

    /// Takes note of the end of a connection.
    fn disconnected(&self, address: IpAddr, own: Option<OwnedSemaphorePermit>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        drop(own);
        let last = |source: &Source| source.connections.available_permits() == self.most.connections_of_one;
        if sources.get(&address).is_some_and(last) {
            sources.remove(&address);
        }
    }
}

/// One connection.
pub(crate) struct Client {
    load: Arc<Load>,
    address: IpAddr,
    bytes: Arc<Semaphore>,
    own: Option<OwnedSemaphorePermit>,
    _slot: OwnedSemaphorePermit,
}

impl Client {
    /// For one request; it begins with nothing.
    pub(crate) fn charge(&self) -> Charge {
        Charge {
            all: Arc::clone(&self.load.bytes),
            own: Arc::clone(&self.bytes),
            metrics: Arc::clone(&self.load.metrics),
            taken: 0,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.load.disconnected(self.address, self.own.take());
    }
}

/// Bytes that one request has in hand; given back when it is dropped.
pub(crate) struct Charge {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    taken: usize,
}

impl Charge {
    /// Takes more bytes; false, and nothing taken, where that is more than there may be.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Ok(count) = u32::try_from(bytes) else { return false };
        let (Ok(own), Ok(all)) = (self.own.try_acquire_many(count), self.all.try_acquire_many(count)) else {
            return false;
        };
        own.forget();
        all.forget();
        self.taken += bytes;
        self.metrics.bytes_in_flight.inc_by(i64::from(count));
        true
    }

    /// An answer that keeps its charge until the client has taken it.
    pub(crate) fn keep(self, answer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Kept { answer, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.own.add_permits(self.taken);
        self.all.add_permits(self.taken);
        self.metrics.bytes_in_flight.dec_by(i64::try_from(self.taken).unwrap_or(i64::MAX));
    }
}

struct Kept {
    answer: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}
