//! What the webhook counts. All names begin with `blinkchamber_webhook_`.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[cfg(test)]
mod tests;

/// Namespaces that get a series of their own; the rest share one.
const NAMESPACES: usize = 200;

/// Counters, gauges and the registry that prints them.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<OutcomeLabel, Counter>,
    request_seconds: Histogram,
    injections: Family<NamespaceLabel, Counter>,
    namespaces: Mutex<BTreeSet<String>>,
    pub(crate) leaf_not_after_seconds: Gauge<f64, AtomicU64>,
    pub(crate) leaf_issued: Counter,
    pub(crate) ca_bundle_holds_own: Gauge,
    pub(crate) ca_bundle_certificates: Gauge,
    ca_bundle_patches: Family<OutcomeLabel, Counter>,
    pub(crate) connections_refused: Counter,
    pub(crate) bytes_in_flight: Gauge,
    pub(crate) reconciler_deletions: Counter,
    pub(crate) reconciler_stuck: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From 50 us, a cached answer, to 1 s, ten times what the API server should ever see.
        const BUCKETS: [f64; 12] = [50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 1.0];
        let mut all = Self {
            registry: Registry::with_prefix("blinkchamber_webhook"),
            requests: Family::default(),
            request_seconds: Histogram::new(BUCKETS),
            injections: Family::default(),
            namespaces: Mutex::default(),
            leaf_not_after_seconds: Gauge::default(),
            leaf_issued: Counter::default(),
            ca_bundle_holds_own: Gauge::default(),
            ca_bundle_certificates: Gauge::default(),
            ca_bundle_patches: Family::default(),
            connections_refused: Counter::default(),
            bytes_in_flight: Gauge::default(),
            reconciler_deletions: Counter::default(),
            reconciler_stuck: Gauge::default(),
        };
        let registry = &mut all.registry;
        registry.register("requests", "Requests to the TLS port, by what became of them", all.requests.clone());
        registry.register("request_seconds", "Time from headers to answer", all.request_seconds.clone());
        registry.register(
            "injections",
            "Pods that got an agent, by namespace; beyond 200 namespaces they share the name _other",
            all.injections.clone(),
        );
        registry.register(
            "leaf_not_after_seconds",
            "End of the served certificate's validity, Unix time",
            all.leaf_not_after_seconds.clone(),
        );
        registry.register("leaf_issued", "Certificates taken into use", all.leaf_issued.clone());
        registry.register(
            "ca_bundle_holds_own",
            "1 when the configuration's caBundle holds the authority of the served certificate",
            all.ca_bundle_holds_own.clone(),
        );
        registry.register(
            "ca_bundle_certificates",
            "Certificates in the configuration's caBundle",
            all.ca_bundle_certificates.clone(),
        );
        registry.register("ca_bundle_patches", "Writes to the caBundle, by outcome", all.ca_bundle_patches.clone());
        registry.register(
            "connections_refused",
            "Connections dropped before their first request: handshake failed, too slow, or too many, in all or of one address",
            all.connections_refused.clone(),
        );
        registry.register(
            "bytes_in_flight",
            "Bytes of reviews that are arriving or worked on, and of answers not taken yet; at the limit requests are turned away as busy",
            all.bytes_in_flight.clone(),
        );
        registry.register(
            "reconciler_deletions",
            "Gated pods deleted so that their owner makes them again",
            all.reconciler_deletions.clone(),
        );
        registry.register(
            "reconciler_stuck",
            "Gated pods that wait for a person: no owner would make them again, or they would be refused",
            all.reconciler_stuck.clone(),
        );
        all
    }

    /// With one series of each family, so that all of them are printed.
    pub(crate) fn sample() -> Self {
        let all = Self::new();
        all.request("injected", Duration::ZERO);
        all.injection("default");
        all.bundle_patch("written");
        all
    }

    /// Counts a request.
    pub(crate) fn request(&self, outcome: &'static str, took: Duration) {
        self.requests.get_or_create(&OutcomeLabel { outcome }).inc();
        self.request_seconds.observe(took.as_secs_f64());
    }

    /// Counts an injected pod.
    pub(crate) fn injection(&self, namespace: &str) {
        let mut known = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        let namespace = if known.contains(namespace) || known.len() < NAMESPACES {
            if !known.contains(namespace) {
                known.insert(namespace.to_owned());
            }
            namespace
        } else {
            "_other"
        };
        self.injections.get_or_create(&NamespaceLabel { namespace: namespace.to_owned() }).inc();
    }

    /// Counts a write to the bundle.
    pub(crate) fn bundle_patch(&self, outcome: &'static str) {
        self.ca_bundle_patches.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// The exposition.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct NamespaceLabel {
    namespace: String,
}
