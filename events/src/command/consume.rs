//! `consume`: the reliable way to read a list, as an example that works.
//!
//! An event is moved to a list of the consumer's own, worked on, and removed from there when that succeeded. A consumer that
//! dies leaves it there; it is put back by itself when it starts again, or by any other when its sign of life has run out.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::cli::Consume;
use crate::command::{Failure, open};
use crate::config::{Config, QueuePlan};
use crate::letter::Letter;
use crate::link::Link;
use crate::message;

/// How long a consumer that says nothing is believed to live. A program that takes longer for one event needs no fear: the
/// sign is renewed while it runs.
const LIFE: Duration = Duration::from_secs(30);

/// Between two looks at the others.
const LOOK: Duration = Duration::from_secs(10);

/// Seconds that Redis waits for an event; less than the patience of any connection.
const WAIT: &str = "1";

/// A consumer at work.
struct Consumer<'a> {
    arguments: &'a Consume,
    config: &'a Config,
    plan: QueuePlan,
    link: Link,
    looked: Option<Instant>,
}

pub(crate) async fn consume(arguments: &Consume) -> Result<(), Failure> {
    let config = Config::read(&arguments.config.file)?;
    let plan = config.queues().into_iter().find(|plan| plan.queue == arguments.queue);
    let plan = plan.ok_or_else(|| Failure::Configuration("there is no such queue".into()))?;
    let ended = |error: std::io::Error| Failure::Server(format!("signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(ended)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ended)?;
    let mut backoff = Backoff::default();
    loop {
        let work = async {
            let link = open(&config, &plan.group).await?;
            Consumer { arguments, config: &config, plan: plan.clone(), link, looked: None }.run().await
        };
        let result = tokio::select! {
            result = work => result,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        match result {
            Ok(()) => return Ok(()),
            Err(error @ Failure::Server(_)) if !arguments.once => {
                crate::say(&error.to_string());
                sleep(backoff.next()).await;
            }
            Err(error) => return Err(error),
        }
    }
}

impl Consumer<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let own = self.processing(&self.arguments.name);
        self.put_back(&own).await?;
        loop {
            self.live().await?;
            let taken: Option<Vec<u8>> = if self.arguments.once {
                self.link.ask(redis::cmd("LMOVE").arg(&self.plan.list).arg(&own).arg("LEFT").arg("RIGHT")).await?
            } else {
                let mut wait = redis::cmd("BLMOVE");
                self.link.ask(wait.arg(&self.plan.list).arg(&own).arg("LEFT").arg("RIGHT").arg(WAIT)).await?
            };
            match taken {
                Some(entry) => self.work(&entry, &own).await?,
                None if self.arguments.once => return Ok(()),
                None => {}
            }
        }
    }

    /// Until the program has succeeded, or often enough not.
    async fn work(&mut self, entry: &[u8], own: &str) -> Result<(), Failure> {
        let mut backoff = Backoff::default();
        let json = match message::read(entry) {
            Ok(json) => json,
            Err(error) => return self.bury(entry, own, &format!("not a message: {error}")).await,
        };
        loop {
            let Some(reason) = self.execute(&json).await? else {
                self.link.ask::<i64>(redis::cmd("LREM").arg(own).arg(1).arg(entry)).await?;
                return Ok(());
            };
            let pause = backoff.next();
            if backoff.failures() >= self.arguments.attempts {
                return self.bury(entry, own, &reason).await;
            }
            sleep(pause).await;
            self.live().await?;
        }
    }

    /// Runs the program once; gives what went wrong with it.
    async fn execute(&mut self, json: &[u8]) -> Result<Option<String>, Failure> {
        let Some((program, arguments)) = self.arguments.exec.split_first() else { return Ok(None) };
        let unable = |error: std::io::Error| Failure::Configuration(format!("--exec {program}: {error}"));
        let mut child =
            Command::new(program).args(arguments).stdin(Stdio::piped()).kill_on_drop(true).spawn().map_err(unable)?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not want to read all of it says by its exit code what it thinks.
            let _ = input.write_all(json).await;
        }
        loop {
            tokio::select! {
                status = child.wait() => {
                    let status = status.map_err(unable)?;
                    return Ok((!status.success()).then(|| format!("consumer {}: {status}", self.arguments.name)));
                }
                () = sleep(LOOK) => self.live().await?,
            }
        }
    }

    /// Gives an event up.
    async fn bury(&mut self, entry: &[u8], own: &str, reason: &str) -> Result<(), Failure> {
        let letter = Letter::of_message(self.plan.queue.name(), entry, reason).bytes();
        let dead = format!("{}:dead_letter", self.config.redis.prefix);
        self.link.ask::<i64>(redis::cmd("RPUSH").arg(dead).arg(letter)).await?;
        self.link.ask::<i64>(redis::cmd("LREM").arg(own).arg(1).arg(entry)).await?;
        Ok(())
    }

    /// Gives a sign of life, and puts back what others left who give none.
    async fn live(&mut self) -> Result<(), Failure> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let all = format!("{}:consumers", self.plan.list);
        let name = &self.arguments.name;
        self.link
            .ask::<()>(redis::cmd("SET").arg(self.sign(name)).arg("alive").arg("PX").arg(LIFE.as_millis().to_string()))
            .await?;
        self.link.ask::<i64>(redis::cmd("SADD").arg(&all).arg(name)).await?;
        let names: Vec<String> = self.link.ask(redis::cmd("SMEMBERS").arg(&all)).await?;
        for other in names.iter().filter(|other| *other != name) {
            let sign: Option<String> = self.link.ask(redis::cmd("GET").arg(self.sign(other))).await?;
            if sign.is_none() {
                self.put_back(&self.processing(other)).await?;
                self.link.ask::<i64>(redis::cmd("SREM").arg(&all).arg(other)).await?;
            }
        }
        Ok(())
    }

    /// From a list of somebody who died to the head of the queue, in the old order.
    async fn put_back(&mut self, processing: &str) -> Result<(), Failure> {
        loop {
            let mut back = redis::cmd("LMOVE");
            back.arg(processing).arg(&self.plan.list).arg("RIGHT").arg("LEFT");
            if self.link.ask::<Option<Vec<u8>>>(&back).await?.is_none() {
                return Ok(());
            }
        }
    }

    fn processing(&self, name: &str) -> String {
        format!("{}:processing:{name}", self.plan.list)
    }

    fn sign(&self, name: &str) -> String {
        format!("{}:consumer:{name}", self.plan.list)
    }
}
