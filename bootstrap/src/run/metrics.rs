//! What the loop counts. All names begin with `blinkchamber_bootstrap_`.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::Failure;
use crate::converge::session::{Account, Area};
use crate::rotate::Credential;

#[cfg(test)]
mod tests;

/// Counters, gauges and the registry that prints them.
pub struct Metrics {
    registry: Registry,
    /// This pod holds the Lease.
    pub leader: Gauge,
    drift: Family<AreaLabel, Gauge>,
    repaired: Family<AreaLabel, Counter>,
    runs: Family<ResultLabel, Counter>,
    last_success: Gauge<f64, AtomicU64>,
    last_rotation: Family<CredentialLabel, Gauge<f64, AtomicU64>>,
    unchanged_since: Family<CredentialLabel, Gauge<f64, AtomicU64>>,
    rotation_max_age: Gauge,
    under_way: Family<CredentialLabel, Gauge>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct AreaLabel {
    area: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CredentialLabel {
    credential: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("blinkchamber_bootstrap"),
            leader: Gauge::default(),
            drift: Family::default(),
            repaired: Family::default(),
            runs: Family::default(),
            last_success: Gauge::default(),
            last_rotation: Family::default(),
            unchanged_since: Family::default(),
            rotation_max_age: Gauge::default(),
            under_way: Family::default(),
        };
        let registry = &mut all.registry;
        registry.register("leader", "Whether this pod does the work", all.leader.clone());
        registry.register("drift", "Differences that the last run found, by area", all.drift.clone());
        registry.register("repaired", "Differences that were put right, by area", all.repaired.clone());
        registry.register("runs", "Runs, by their result", all.runs.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "End of the last run that left all as it should be, Unix time",
            all.last_success.clone(),
        );
        registry.register(
            "last_rotation_timestamp_seconds",
            "End of a credential's last rotation, Unix time",
            all.last_rotation.clone(),
        );
        registry.register(
            "unchanged_since_timestamp_seconds",
            "End of a credential's last rotation, or where there was none when it was made, Unix time",
            all.unchanged_since.clone(),
        );
        registry.register(
            "rotation_max_age_seconds",
            "How old a credential may become before it is replaced, 0 for any age",
            all.rotation_max_age.clone(),
        );
        registry.register("rotation_under_way", "Whether a rotation has begun and not ended", all.under_way.clone());
        for area in Area::ALL {
            let label = AreaLabel { area: area.word() };
            all.drift.get_or_create(&label).set(0);
            drop(all.repaired.get_or_create(&label));
        }
        all
    }

    /// Counts a run.
    pub fn ran(&self, result: &Result<Account, Failure>) {
        let word = if result.is_ok() { "ok" } else { "failed" };
        self.runs.get_or_create(&ResultLabel { result: word }).inc();
        let Ok(account) = result else { return };
        for area in Area::ALL {
            let label = AreaLabel { area: area.word() };
            let count = account.by_area.get(&area).copied().unwrap_or_default();
            self.drift.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
            self.repaired.get_or_create(&label).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
        self.last_success.set(Timestamp::now().as_duration().as_secs_f64());
    }

    /// Notes where a credential is.
    pub fn rotated(&self, credential: &Credential) {
        let label = CredentialLabel { credential: credential.name.clone() };
        let under_way = credential.step.as_deref().is_some_and(|step| step != "done");
        self.under_way.get_or_create(&label).set(i64::from(under_way));
        let time = |text: &Option<String>| {
            let time = text.as_deref()?.parse::<Timestamp>().ok()?;
            Some(time.as_duration().as_secs_f64())
        };
        let last = time(&credential.last_rotation);
        if let Some(last) = last {
            self.last_rotation.get_or_create(&label).set(last);
        }
        if let Some(since) = last.or_else(|| time(&credential.created)) {
            self.unchanged_since.get_or_create(&label).set(since);
        }
    }

    /// Notes how old a credential may become, in seconds.
    pub fn limit_age(&self, seconds: u64) {
        self.rotation_max_age.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}
