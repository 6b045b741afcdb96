//! `serve`: bridges and election of one configuration, until it changes or the process is told to end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::bridge::{Bridge, Signals};
use crate::cli::Serve;
use crate::command::Failure;
use crate::config::Config;
use crate::logs::{self, chain};
use crate::metrics::Metrics;
use crate::{http, leader, webhook};

/// Between two looks at the configuration. A ConfigMap arrives by a renamed link, at which no watch of a file looks.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until TERM or INT.
pub(crate) async fn serve(arguments: Serve) -> Result<(), Failure> {
    let file = arguments.config.file;
    let mut config = Arc::new(Config::read(&file)?);
    logs::begin(arguments.log_json, arguments.log);
    let metrics = Arc::new(Metrics::new());
    let ended = |error: std::io::Error| Failure::Server(format!("signals: {error}"));
    let mut ends = Ends {
        terminate: signal(SignalKind::terminate()).map_err(ended)?,
        interrupt: signal(SignalKind::interrupt()).map_err(ended)?,
        hangup: signal(SignalKind::hangup()).map_err(ended)?,
    };
    let knock = watch::Sender::new(0);
    http::serve(config.admin, http::router(Arc::clone(&metrics))).await?;
    if let Some(settings) = &config.webhook {
        http::serve(settings.listen, webhook::router(settings, knock.clone(), Arc::clone(&metrics))).await?;
    }
    info!(identity = arguments.identity, "started");
    loop {
        let running = Running::start(&config, &arguments.identity, &metrics, &knock);
        let next = ends.wait(&file, &config, &metrics).await;
        info!(reloads = next.is_some(), "finishing");
        running.finish().await;
        match next {
            Some(next) => {
                if next.admin != config.admin || next.webhook != config.webhook {
                    warn!("admin and webhook keep their addresses and settings until the process is started again");
                }
                config = next;
            }
            None => return Ok(()),
        }
    }
}

/// What ends the work of a configuration.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Ends {
    /// The next configuration, or nothing when the process ends.
    async fn wait(&mut self, file: &Path, config: &Config, metrics: &Metrics) -> Option<Arc<Config>> {
        let mut refused = String::new();
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
                _ = self.hangup.recv() => {}
                () = sleep(LOOK) => {}
            }
            match Config::read(file) {
                Ok(next) if next == *config => refused.clear(),
                Ok(next) => {
                    metrics.reloaded("ok");
                    info!("the configuration has changed");
                    return Some(Arc::new(next));
                }
                Err(error) => {
                    let text = chain(&error);
                    // Once for each mistake.
                    if text != refused {
                        metrics.reloaded("refused");
                        error!(error = text, "the new configuration is not used");
                        refused = text;
                    }
                }
            }
        }
    }
}

/// Bridges and election at work.
struct Running {
    stop: watch::Sender<bool>,
    done: watch::Sender<bool>,
    bridges: Vec<JoinHandle<()>>,
    campaign: JoinHandle<()>,
    leader: JoinHandle<()>,
}

impl Running {
    fn start(config: &Arc<Config>, identity: &str, metrics: &Arc<Metrics>, knock: &watch::Sender<u64>) -> Self {
        let (stop, done, leads) = (watch::Sender::new(false), watch::Sender::new(false), watch::Sender::new(false));
        let mut groups: Vec<_> = config.queues().into_iter().map(|plan| plan.group).collect();
        groups.sort();
        groups.dedup();
        let bridge = |group| Bridge {
            config: Arc::clone(config),
            group,
            identity: identity.to_owned(),
            metrics: Arc::clone(metrics),
            signals: Signals { leads: leads.subscribe(), stop: stop.subscribe(), knock: knock.subscribe() },
        };
        let bridges = groups.into_iter().map(|group| tokio::spawn(bridge(group).run())).collect();
        let leader = tokio::spawn(show(leads.subscribe(), Arc::clone(metrics)));
        let campaign = {
            let (config, identity) = (Arc::clone(config), identity.to_owned());
            let (stopped, finished) = (stop.subscribe(), done.subscribe());
            tokio::spawn(async move { leader::campaign(&config, &identity, leads, stopped, finished).await })
        };
        Self { stop, done, bridges, campaign, leader }
    }

    /// Flushes, then lets another lead.
    async fn finish(self) {
        self.stop.send_replace(true);
        for bridge in self.bridges {
            // One that panicked has been logged.
            let _ = bridge.await;
        }
        self.done.send_replace(true);
        let _ = self.campaign.await;
        let _ = self.leader.await;
    }
}

/// Keeps the gauge as the election says.
async fn show(mut leads: watch::Receiver<bool>, metrics: Arc<Metrics>) {
    loop {
        metrics.leader.set(i64::from(*leads.borrow_and_update()));
        if leads.changed().await.is_err() {
            metrics.leader.set(0);
            return;
        }
    }
}
