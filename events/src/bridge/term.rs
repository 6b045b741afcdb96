//! From a claim to the first thing that goes wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::backoff::Backoff;
use crate::bridge::{Bridge, Signals, told, turned};
use crate::classify::Classifier;
use crate::config::{Compression, Config, QueuePlan, Start, WhenFull};
use crate::event::{Event, Malformed, Moment};
use crate::letter::Letter;
use crate::link::{Error, Trouble};
use crate::logs::chain;
use crate::message::Writer;
use crate::metrics::Metrics;
use crate::pending::{Item, Lane};
use crate::sink::{Outcome, Sink, Target};
use crate::source::Source;
use crate::track::{Limits, Tracker};

/// Messages that wait; beyond it nothing more is read.
const MOST_PENDING: usize = 4000;

/// How often the settled moment is stored when there is nothing to push.
const SAVE: Duration = Duration::from_secs(5);

/// How long lists are given to take the rest at the end.
const FLUSH: Duration = Duration::from_secs(10);

/// Between two looks at a full list.
const FULL: Duration = Duration::from_millis(200);

/// How a term ended without an error.
pub(super) enum End {
    Stopped,
    /// This replica does not lead any more.
    Deposed,
    Fenced,
    Behind,
}

/// A list and what waits for it.
struct Way {
    name: &'static str,
    list: String,
    limit: usize,
    when_full: WhenFull,
    lane: Lane,
    refusals: Backoff,
}

pub(super) struct Term {
    config: Arc<Config>,
    group: String,
    metrics: Arc<Metrics>,
    source: Box<dyn Source>,
    sink: Sink,
    tracker: Tracker,
    classifier: Classifier,
    writer: Writer,
    /// The queues of this group, most urgent first, then the dead letters.
    ways: Vec<Way>,
    next_read: Instant,
    last_read: Instant,
    read_failures: Backoff,
    saved: (Instant, Moment),
    /// The source's clock at the last look.
    clock: Moment,
    pushed: bool,
}

impl Term {
    /// Takes the group.
    pub(super) async fn begin(bridge: &Bridge, source: Box<dyn Source>, mut sink: Sink) -> Result<Self, Error> {
        let config = Arc::clone(&bridge.config);
        let claimed = sink.claim().await?;
        bridge.metrics.claims.inc();
        let start = match config.source.start {
            Start::Beginning => Moment::BEGINNING,
            Start::Now => Moment::now(),
            Start::At(moment) => moment.previous(),
        };
        let settled = claimed.settled.unwrap_or(start);
        info!(group = bridge.group, fence = claimed.fence, %settled, remembered = claimed.recent.len(), "took the group");
        let limits = Limits { overlap: config.source.overlap.0, gap_wait: config.source.gap_wait.0 };
        let mut ways: Vec<Way> = config
            .queues()
            .into_iter()
            .filter(|plan| plan.group == bridge.group)
            .map(|plan| way(&config, plan))
            .collect();
        ways.push(dead_letters(&config, sink.key("dead_letter")));
        let now = Instant::now();
        let mut term = Self {
            tracker: Tracker::new(limits, settled, claimed.recent),
            classifier: Classifier::new(config.rows()),
            writer: Writer {
                allowed: config.allowed(),
                compress: config.publishing.compression == Compression::Zstd,
                largest: config.publishing.max_message_bytes,
            },
            group: bridge.group.clone(),
            metrics: Arc::clone(&bridge.metrics),
            next_read: now,
            last_read: now,
            read_failures: Backoff::default(),
            saved: (now, settled),
            clock: Moment::now(),
            pushed: false,
            config,
            source,
            sink,
            ways,
        };
        if claimed.settled.is_none() {
            // A start at `now` must not be a later one after the next crash.
            term.save(now).await?;
        }
        for index in 0..term.ways.len() {
            term.look_at_length(index).await?;
        }
        Ok(term)
    }

    pub(super) fn has_pushed(&self) -> bool {
        self.pushed
    }

    /// Works until something ends it.
    pub(super) async fn run(&mut self, signals: &mut Signals) -> Result<End, Error> {
        loop {
            if *signals.stop.borrow() {
                return self.finish().await;
            }
            if !*signals.leads.borrow() {
                return Ok(End::Deposed);
            }
            let now = Instant::now();
            self.report(now);
            if let Some(index) = self.due(now) {
                if let Some(end) = self.push(index, now).await? {
                    return Ok(end);
                }
                continue;
            }
            if now >= self.saved.0 + SAVE && self.settled(None) > self.saved.1 {
                if let Some(end) = self.save(now).await? {
                    return Ok(end);
                }
                continue;
            }
            let has_room = self.pending() < MOST_PENDING;
            if has_room && now >= self.next_read {
                self.read(now).await;
                continue;
            }
            let due = self.ways.iter().filter_map(|way| way.lane.due()).min();
            let read = has_room.then_some(self.next_read);
            let wake = due.into_iter().chain(read).chain([now + SAVE]).min().unwrap_or(now + SAVE);
            tokio::select! {
                () = sleep_until(wake.into()) => {}
                () = told(&mut signals.stop) => {}
                knocked = signals.knock.changed() => {
                    if knocked.is_ok() {
                        self.next_read = Instant::now();
                    } else {
                        sleep_until(wake.into()).await;
                    }
                }
                () = turned(&mut signals.leads, false) => {}
            }
        }
    }

    /// Pushes what waits, though batches are small, for a while.
    async fn finish(&mut self) -> Result<End, Error> {
        let flush = async {
            for index in 0..self.ways.len() {
                while self.ways.get(index).is_some_and(|way| way.lane.len() > 0) {
                    let before = self.pending();
                    if let Some(end) = self.push(index, Instant::now()).await? {
                        return Ok(end);
                    }
                    // A full list is not waited for.
                    if self.pending() >= before {
                        break;
                    }
                }
            }
            self.save(Instant::now()).await.map(|end| end.unwrap_or(End::Stopped))
        };
        let flushed = timeout(FLUSH, flush).await.unwrap_or(Ok(End::Stopped));
        let left = self.pending();
        if left > 0 {
            warn!(group = self.group, left, "some events were not pushed; the next leader reads them again");
        }
        // Whoever comes next goes on from what Redis holds, so nothing depends on how this ended.
        flushed.map(|_| End::Stopped)
    }

    async fn read(&mut self, now: Instant) {
        let position = self.tracker.position(now).clone();
        let (busy, idle) = self.config.source.pauses();
        match self.source.read(&position).await {
            Ok(page) => {
                self.metrics.source_request("ok");
                self.read_failures.reset();
                self.last_read = Instant::now();
                if let Some(clock) = page.now {
                    self.clock = clock;
                }
                let now = Instant::now();
                let (fresh, malformed) = self.tracker.take(page, now);
                self.metrics.tracked(&std::mem::take(&mut self.tracker.counts));
                debug!(group = self.group, from = %position.from, fresh = fresh.len(), "read");
                let pause = if fresh.is_empty() { idle } else { busy };
                fresh.iter().for_each(|event| self.accept(event, now));
                malformed.iter().for_each(|malformed| self.accept_malformed(malformed, now));
                self.next_read = if self.tracker.is_at_edge() { now + pause } else { now };
            }
            Err(error) => {
                self.metrics.source_request(error.kind());
                let asked = error.retry_after().map(Duration::from_secs).unwrap_or_default();
                let pause = self.read_failures.next().max(asked.min(Duration::from_secs(60)));
                if self.read_failures.failures() == 1 || self.read_failures.failures().is_multiple_of(20) {
                    warn!(
                        group = self.group,
                        failures = self.read_failures.failures(),
                        error = chain(&error),
                        "cannot read"
                    );
                }
                self.next_read = Instant::now() + pause;
            }
        }
    }

    fn accept(&mut self, event: &Event, now: Instant) {
        let answer = self.classifier.classify(&event.kind);
        let Some(queue) = answer.fate.queue() else {
            self.metrics.dropped.inc();
            return;
        };
        // Of several groups, each counts its own.
        let Some(way) = self.ways.iter_mut().find(|way| way.name == queue.name()) else { return };
        if !answer.known {
            self.metrics.unknown_types.inc();
        }
        let message = self.writer.write(event);
        if let Some(why) = message.omitted {
            self.metrics.payload_omitted(why);
        }
        way.lane.push(Item {
            bytes: message.bytes,
            created_at: event.created_at,
            mark: event.key.mark(),
            name: event.key.to_string(),
            since: now,
        });
    }

    fn accept_malformed(&mut self, malformed: &Malformed, now: Instant) {
        self.metrics.dead_letters("malformed", 1);
        warn!(group = self.group, known = malformed.known, reason = malformed.reason, "not an event");
        let item = Item {
            bytes: Letter::of_malformed(&malformed.known, &malformed.reason).bytes(),
            created_at: malformed.created_at.unwrap_or(self.clock),
            mark: malformed.mark,
            name: malformed.known.clone(),
            since: now,
        };
        if let Some(dead) = self.ways.last_mut() {
            dead.lane.push(item);
        }
    }

    /// The most urgent queue that has something to push.
    fn due(&self, now: Instant) -> Option<usize> {
        self.ways.iter().position(|way| way.lane.due().is_some_and(|due| due <= now))
    }

    /// Pushes a batch; gives how the term ends, if it does.
    async fn push(&mut self, index: usize, now: Instant) -> Result<Option<End>, Error> {
        let settled = self.settled(Some(index));
        let Some(way) = self.ways.get_mut(index) else { return Ok(None) };
        let target = Target { list: &way.list, limit: way.limit, when_full: way.when_full };
        match self.sink.push(target, way.lane.batch(), settled).await? {
            Outcome::Pushed { length, trimmed } => {
                let written = Moment::now();
                let delays = way.lane.batch().map(|item| written.since(item.created_at).as_secs_f64());
                self.metrics.pushed(way.name, trimmed, delays);
                self.metrics.depth(way.name, length);
                self.metrics.full(way.name, false);
                way.refusals.reset();
                drop(way.lane.sent());
                self.saved = (now, settled);
                self.pushed = true;
                Ok(None)
            }
            Outcome::Full { length } => {
                self.metrics.depth(way.name, length);
                self.metrics.full(way.name, true);
                way.lane.block(now + FULL);
                Ok(None)
            }
            Outcome::Refused(trouble) => {
                self.refused(index, &trouble, now);
                Ok(None)
            }
            Outcome::Fenced(_) => Ok(Some(End::Fenced)),
            Outcome::Behind => Ok(Some(End::Behind)),
        }
    }

    /// Waits for a while, then gives the batch up to the dead letters.
    fn refused(&mut self, index: usize, trouble: &Trouble, now: Instant) {
        self.metrics.redis_error(trouble.kind());
        let last = self.ways.len().saturating_sub(1);
        let Some(way) = self.ways.get_mut(index) else { return };
        let pause = way.refusals.next();
        if way.refusals.failures() == 1 {
            warn!(group = self.group, list = way.list, %trouble, "a list refuses what is pushed");
        }
        // Dead letters have nowhere to go.
        if index == last || way.refusals.failures() < self.config.publishing.attempts {
            way.lane.block(now + pause);
            return;
        }
        let (name, reason) = (way.name, trouble.to_string());
        let items: Vec<_> = way.lane.sent().collect();
        self.metrics.dead_letters(trouble.kind(), items.len());
        if let Some(dead) = self.ways.get_mut(last) {
            for item in items {
                let bytes = Letter::of_message(name, &item.bytes, &reason).bytes();
                dead.lane.push(Item { bytes, since: now, ..item });
            }
        }
    }

    /// Stores the settled moment alone.
    async fn save(&mut self, now: Instant) -> Result<Option<End>, Error> {
        let settled = self.settled(None);
        let Some(way) = self.ways.last() else { return Ok(None) };
        let target = Target { list: &way.list, limit: way.limit, when_full: way.when_full };
        match self.sink.push(target, [].iter(), settled).await? {
            Outcome::Fenced(_) => Ok(Some(End::Fenced)),
            Outcome::Behind => Ok(Some(End::Behind)),
            _ => {
                self.saved = (now, settled);
                Ok(None)
            }
        }
    }

    async fn look_at_length(&mut self, index: usize) -> Result<(), Error> {
        let Some(way) = self.ways.get(index) else { return Ok(()) };
        match self.sink.length(&way.list).await {
            Ok(length) => self.metrics.depth(way.name, length),
            // It shows again when something is pushed.
            Err(Error::Command { trouble: Trouble::WrongType(_) | Trouble::Forbidden(_), .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// All up to it is in Redis, once the batch of this way is.
    fn settled(&self, with: Option<usize>) -> Moment {
        let oldest = self.ways.iter().enumerate().filter_map(|(index, way)| {
            if Some(index) == with { way.lane.oldest_after_batch() } else { way.lane.oldest() }
        });
        let read = self.tracker.settled();
        oldest.map(Moment::previous).min().map_or(read, |oldest| oldest.min(read))
    }

    fn pending(&self) -> usize {
        self.ways.iter().map(|way| way.lane.len()).sum()
    }

    fn report(&self, now: Instant) {
        let oldest = self.ways.iter().filter_map(|way| way.lane.oldest()).min();
        let behind = if self.tracker.is_at_edge() {
            oldest
        } else {
            Some(self.tracker.settled().max(oldest.unwrap_or_default()))
        };
        let waiting = behind.map_or(Duration::ZERO, |behind| self.clock.since(behind));
        let silent = now.saturating_duration_since(self.last_read);
        let silent = if self.read_failures.failures() > 0 { silent } else { Duration::ZERO };
        self.metrics.lag(&self.group, (waiting + silent).as_secs_f64(), self.pending() + self.tracker.held());
    }
}

fn way(config: &Config, plan: QueuePlan) -> Way {
    Way {
        name: plan.queue.name(),
        lane: Lane::new(config.publishing.batch_size, plan.batch_timeout.0),
        list: plan.list,
        limit: plan.max_length,
        when_full: plan.when_full,
        refusals: Backoff::default(),
    }
}

fn dead_letters(config: &Config, list: String) -> Way {
    Way {
        name: "dead_letter",
        lane: Lane::new(config.publishing.batch_size, config.publishing.batch_timeout.0),
        list,
        limit: config.redis.max_dead_letters,
        when_full: WhenFull::Wait,
        refusals: Backoff::default(),
    }
}
