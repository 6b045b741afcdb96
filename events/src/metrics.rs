//! What the bridge counts. All names begin with `blinkchamber_events_`.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::classify::Queue;
use crate::track::Counts;

#[cfg(test)]
mod tests;

type Seconds = Gauge<f64, AtomicU64>;

/// Counters, gauges and the registry that prints them.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) leader: Gauge,
    lag_seconds: Family<GroupLabel, Seconds>,
    lag_events: Family<GroupLabel, Gauge>,
    queue_depth: Family<QueueLabel, Gauge>,
    queue_full: Family<QueueLabel, Gauge>,
    pushed: Family<QueueLabel, Counter>,
    trimmed: Family<QueueLabel, Counter>,
    batch_events: Histogram,
    delay_seconds: Family<QueueLabel, Histogram, fn() -> Histogram>,
    pub(crate) retries: Counter,
    redis_errors: Family<KindLabel, Counter>,
    source_requests: Family<KindLabel, Counter>,
    dead_letters: Family<KindLabel, Counter>,
    duplicates: Counter,
    late: Counter,
    sequence_gaps: Counter,
    future: Counter,
    overlap_shortened: Counter,
    clock_back: Counter,
    pub(crate) dropped: Counter,
    pub(crate) unknown_types: Counter,
    payloads_omitted: Family<KindLabel, Counter>,
    pub(crate) rollbacks: Counter,
    pub(crate) fenced: Counter,
    pub(crate) claims: Counter,
    reloads: Family<KindLabel, Counter>,
    webhooks: Family<KindLabel, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("blinkchamber_events"),
            leader: Gauge::default(),
            lag_seconds: Family::default(),
            lag_events: Family::default(),
            queue_depth: Family::default(),
            queue_full: Family::default(),
            pushed: Family::default(),
            trimmed: Family::default(),
            batch_events: Histogram::new([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]),
            delay_seconds: Family::new_with_constructor(delays),
            retries: Counter::default(),
            redis_errors: Family::default(),
            source_requests: Family::default(),
            dead_letters: Family::default(),
            duplicates: Counter::default(),
            late: Counter::default(),
            sequence_gaps: Counter::default(),
            future: Counter::default(),
            overlap_shortened: Counter::default(),
            clock_back: Counter::default(),
            dropped: Counter::default(),
            unknown_types: Counter::default(),
            payloads_omitted: Family::default(),
            rollbacks: Counter::default(),
            fenced: Counter::default(),
            claims: Counter::default(),
            reloads: Family::default(),
            webhooks: Family::default(),
        };
        all.register_flow();
        all.register_faults();
        for queue in Queue::ALL {
            let label = QueueLabel { queue: queue.name() };
            drop(all.pushed.get_or_create(&label));
            drop(all.queue_depth.get_or_create(&label));
            drop(all.queue_full.get_or_create(&label));
        }
        all
    }

    fn register_flow(&mut self) {
        let all = self;
        let registry = &mut all.registry;
        registry.register("leader", "Whether this replica does the work", all.leader.clone());
        registry.register(
            "lag_seconds",
            "Age of the oldest event that is not in its list; when nothing can be read, time since it could",
            all.lag_seconds.clone(),
        );
        registry.register("lag_events", "Events that were read and are not in their lists", all.lag_events.clone());
        registry.register("queue_depth", "Length of the list after the last push", all.queue_depth.clone());
        registry.register("queue_full", "1 while the list takes nothing because of its limit", all.queue_full.clone());
        registry.register("pushed", "Events pushed", all.pushed.clone());
        registry.register("trimmed", "Oldest events removed from a list at its limit", all.trimmed.clone());
        registry.register("batch_events", "Events of a batch", all.batch_events.clone());
        registry.register(
            "delay_seconds",
            "From an event's creation to its list, by the clocks of two machines",
            all.delay_seconds.clone(),
        );
        registry.register("dropped", "Events that the table drops", all.dropped.clone());
        registry.register("unknown_types", "Events of types that no row of the table names", all.unknown_types.clone());
        registry.register("webhooks", "Knocks at the webhook, by what became of them", all.webhooks.clone());
        registry.register(
            "source_requests",
            "Looks at the source, by what became of them",
            all.source_requests.clone(),
        );
        registry.register("claims", "Times that this replica took a group", all.claims.clone());
    }

    fn register_faults(&mut self) {
        let all = self;
        let registry = &mut all.registry;
        registry.register("retries", "Times that work began anew after an error", all.retries.clone());
        registry.register("redis_errors", "Errors of Redis and Sentinels, by kind", all.redis_errors.clone());
        registry.register("dead_letters", "Events put among the dead letters, by reason", all.dead_letters.clone());
        registry.register("duplicates", "Events read again and not pushed again", all.duplicates.clone());
        registry.register("late", "Events that came after a later one of their aggregate", all.late.clone());
        registry.register("sequence_gaps", "Sequences of aggregates that were never seen", all.sequence_gaps.clone());
        registry.register("future", "Events dated after the source's clock", all.future.clone());
        registry.register(
            "overlap_shortened",
            "Times that more happened within the overlap than is remembered",
            all.overlap_shortened.clone(),
        );
        registry.register(
            "clock_back",
            "Looks at which the source's clock was behind its events",
            all.clock_back.clone(),
        );
        registry.register(
            "payloads_omitted",
            "Payloads left out of a message, by reason",
            all.payloads_omitted.clone(),
        );
        registry.register("rollbacks", "Times that a group had lost its last writes", all.rollbacks.clone());
        registry.register("fenced", "Times that another bridge had taken a group", all.fenced.clone());
        registry.register("reloads", "Changes of the configuration, by result", all.reloads.clone());
    }

    pub(crate) fn lag(&self, group: &str, seconds: f64, events: usize) {
        let label = GroupLabel { group: group.to_owned() };
        self.lag_seconds.get_or_create(&label).set(seconds);
        self.lag_events.get_or_create(&label).set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// Nothing is said of a group that this replica does not work for.
    pub(crate) fn leader_is_idle(&self, group: &str) {
        self.lag(group, 0.0, 0);
    }

    pub(crate) fn depth(&self, queue: &'static str, length: u64) {
        self.queue_depth.get_or_create(&QueueLabel { queue }).set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    pub(crate) fn full(&self, queue: &'static str, full: bool) {
        self.queue_full.get_or_create(&QueueLabel { queue }).set(i64::from(full));
    }

    /// Counts a batch; the delays are of its events.
    pub(crate) fn pushed(&self, queue: &'static str, trimmed: u64, delays: impl Iterator<Item = f64>) {
        let label = QueueLabel { queue };
        let histogram = self.delay_seconds.get_or_create(&label);
        let mut count = 0_u64;
        for delay in delays {
            histogram.observe(delay);
            count += 1;
        }
        drop(histogram);
        self.pushed.get_or_create(&label).inc_by(count);
        if trimmed > 0 {
            self.trimmed.get_or_create(&label).inc_by(trimmed);
        }
        self.batch_events.observe(count as f64);
    }

    pub(crate) fn redis_error(&self, kind: &'static str) {
        self.redis_errors.get_or_create(&KindLabel { kind }).inc();
    }

    pub(crate) fn source_request(&self, kind: &'static str) {
        self.source_requests.get_or_create(&KindLabel { kind }).inc();
    }

    pub(crate) fn dead_letters(&self, kind: &'static str, count: usize) {
        self.dead_letters.get_or_create(&KindLabel { kind }).inc_by(count as u64);
    }

    pub(crate) fn payload_omitted(&self, why: &'static str) {
        let kind = if why == "too large" { "too_large" } else { "unreadable" };
        self.payloads_omitted.get_or_create(&KindLabel { kind }).inc();
    }

    pub(crate) fn reloaded(&self, kind: &'static str) {
        self.reloads.get_or_create(&KindLabel { kind }).inc();
    }

    pub(crate) fn webhook(&self, kind: &'static str) {
        self.webhooks.get_or_create(&KindLabel { kind }).inc();
    }

    /// Adds what a tracker counted.
    pub(crate) fn tracked(&self, counts: &Counts) {
        self.duplicates.inc_by(counts.duplicates);
        self.late.inc_by(counts.late);
        self.sequence_gaps.inc_by(counts.gaps);
        self.future.inc_by(counts.future);
        self.overlap_shortened.inc_by(counts.shortened);
        self.clock_back.inc_by(counts.clock_back);
    }

    /// OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

fn delays() -> Histogram {
    Histogram::new([0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0])
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct GroupLabel {
    group: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct QueueLabel {
    queue: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct KindLabel {
    kind: &'static str,
}
