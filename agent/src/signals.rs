//! Signals: TERM and INT end the agent, HUP reads the configuration again, USR1 looks at static secrets now.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
};

use crate::{cli::Arguments, engine::Command, env::Environment, settings::Settings};

/// Hands signals to the engine as commands, from now on.
///
/// # Errors
///
/// When the system refuses a handler.
pub(crate) fn watch(engine: mpsc::Sender<Command>, arguments: Arguments, environment: Environment) -> io::Result<()> {
    let signals = Signals {
        end: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        reload: signal(SignalKind::hangup())?,
        refresh: signal(SignalKind::user_defined1())?,
    };
    tokio::spawn(signals.hand_over(engine, arguments, environment));
    Ok(())
}

struct Signals {
    end: Signal,
    interrupt: Signal,
    reload: Signal,
    refresh: Signal,
}

impl Signals {
    async fn hand_over(mut self, engine: mpsc::Sender<Command>, arguments: Arguments, environment: Environment) {
        loop {
            let command = tokio::select! {
                _ = self.end.recv() => Command::Shutdown,
                _ = self.interrupt.recv() => Command::Shutdown,
                _ = self.refresh.recv() => Command::Refresh(oneshot::channel().0),
                _ = self.reload.recv() => match read(&arguments, &environment) {
                    Some(settings) => Command::Apply(Box::new(settings)),
                    None => continue,
                },
            };
            if engine.send(command).await.is_err() {
                return;
            }
        }
    }
}

fn read(arguments: &Arguments, environment: &Environment) -> Option<Settings> {
    match Settings::load(&arguments.source(), environment) {
        Ok((mut settings, warnings)) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            settings.exit_after_auth |= arguments.exit_after_auth;
            Some(settings)
        }
        Err(error) => {
            tracing::error!(%error, "the new configuration cannot be used; the old one stays");
            None
        }
    }
}
