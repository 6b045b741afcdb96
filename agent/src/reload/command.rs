//! A program of the agent's image, in a process group of its own.

use std::{
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use super::ReloadError;

/// How much of standard error is kept, and how much of its last line is told.
const TAIL: usize = 4096;
const LINE: usize = 200;
/// How long the end of standard error is waited for when the program has ended; a child of its own may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Program and arguments.
pub(super) struct Program {
    program: String,
    arguments: Vec<String>,
}

impl Program {
    pub(super) fn new(argv: &[String]) -> Result<Self, ReloadError> {
        match argv {
            [program, arguments @ ..] if !program.is_empty() => {
                Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
            }
            _ => Err(ReloadError::NoCommand),
        }
    }

    /// Runs it to its end. It has the agent's environment, no input, and nobody reads its output.
    pub(super) async fn run(&self, limit: Duration) -> Result<(), ReloadError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ReloadError::Start { program: self.program.clone(), source })?;
        let mut words = Words { stream: child.stderr.take(), tail: Vec::new() };
        let ended = timeout(limit, async {
            tokio::select! {
                status = child.wait() => status,
                status = words.listen_for_ever() => status,
            }
        });
        let Ok(waited) = ended.await else {
            kill(&mut child).await;
            return Err(ReloadError::Killed { program: self.program.clone(), limit });
        };
        let status = waited.map_err(|source| ReloadError::Start { program: self.program.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        // Running into the limit is as good as the end of the stream here.
        let _ = timeout(LAST_WORDS, words.listen()).await;
        // Programs quote what they choke on, which may be a secret: not for the status and the usual log.
        tracing::debug!(program = self.program, last_line = words.last_line(), "a reload command failed");
        Err(ReloadError::Failed { program: self.program.clone(), outcome: describe(status) })
    }
}

/// Ends the whole process group: a shell's children would live on without it.
async fn kill(child: &mut Child) {
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(leader) = leader
        && let Err(error) = rustix::process::kill_process_group(leader, Signal::KILL)
    {
        tracing::warn!(%error, "a reload command cannot be killed");
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "a reload command cannot be killed");
    }
}

/// What the program says on standard error: only the end of it is kept.
struct Words {
    stream: Option<ChildStderr>,
    tail: Vec<u8>,
}

impl Words {
    async fn listen(&mut self) {
        let mut buffer = [0; 1024];
        while let Some(stream) = &mut self.stream {
            match stream.read(&mut buffer).await {
                Ok(count) if count > 0 => {
                    self.tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    let excess = self.tail.len().saturating_sub(TAIL);
                    self.tail.drain(..excess);
                }
                _ => self.stream = None,
            }
        }
    }

    async fn listen_for_ever<T>(&mut self) -> T {
        self.listen().await;
        std::future::pending().await
    }

    fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        line.chars().filter(|letter| !letter.is_control()).take(LINE).collect()
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}
