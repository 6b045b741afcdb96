//! Metrics for Prometheus, on a port of their own that is opened only when asked for.
//!
//! | path | answer |
//! |---|---|
//! | `GET /metrics` | the metrics, text format 0.0.4 |
//! | anything else | 404 |

use std::{fmt::Write, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    handle::Handle,
    reload::ActionStatus,
    status::{Status, TemplateState, TemplateStatus},
};

/// A request's head is never larger in earnest.
const HEAD_LIMIT: usize = 8192;
/// Who is slower is cut off; requests are answered one by one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the port.
///
/// # Errors
///
/// When the address cannot be used.
pub(crate) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until the engine is gone.
pub(crate) async fn serve(listener: TcpListener, engine: Handle) {
    while !engine.is_over() {
        match listener.accept().await {
            Ok((stream, _)) => drop(timeout(PATIENCE, answer(stream, &engine)).await),
            Err(error) => {
                tracing::warn!(%error, "the metrics port cannot accept a connection");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, engine: &Handle) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let wanted = head.starts_with(b"GET /metrics ") || head.starts_with(b"GET /metrics?");
    let (code, body) = if wanted {
        match engine.status().await {
            Some(status) => ("200 OK", render(&status)),
            None => ("503 Service Unavailable", String::new()),
        }
    } else {
        ("404 Not Found", "only GET /metrics is here\n".to_owned())
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {code}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// The status as metrics.
pub(crate) fn render(status: &Status) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
        // Writing to a String cannot fail.
        write!(text, "# HELP blinkchamber_agent_{name} {help}\n# TYPE blinkchamber_agent_{name} {kind}\n").ok();
        for (labels, value) in samples {
            writeln!(text, "blinkchamber_agent_{name}{labels} {value}").ok();
        }
    };
    let plain = |value: u64| [(String::new(), value)];
    let counters = &status.counters;
    metric("ready", "gauge", "1 when every file was put in place.", &plain(status.ready.into()));
    metric("authenticated", "gauge", "1 while there is a token.", &plain(status.authenticated.into()));
    if let Some(ttl) = status.token_ttl_seconds {
        metric("token_ttl_seconds", "gauge", "Seconds until the token ends.", &plain(ttl));
    }
    metric("logins_total", "counter", "Logins that worked.", &plain(counters.logins));
    metric("token_renewals_total", "counter", "Renewals of the token.", &plain(counters.token_renewals));
    metric("fetches_total", "counter", "Requests for secrets that worked.", &plain(counters.fetches));
    metric("fetch_errors_total", "counter", "Requests for secrets that failed.", &plain(counters.fetch_errors));
    metric("lease_renewals_total", "counter", "Renewals of leases.", &plain(counters.lease_renewals));
    metric("leases_issued_total", "counter", "Leases obtained.", &plain(counters.leases_issued));
    metric("leases", "gauge", "Leases held.", &plain(status.leases.len() as u64));
    metric("renders_total", "counter", "Executions of templates.", &plain(counters.renders));
    metric("render_errors_total", "counter", "Templates and files with an error.", &plain(counters.render_errors));
    metric("files_changed_total", "counter", "Files whose bytes changed.", &plain(counters.files_changed));
    let per_file = |value: &dyn Fn(&TemplateStatus) -> Option<u64>| -> Vec<(String, u64)> {
        let sample = |file: &TemplateStatus| Some((label("destination", &file.destination), value(file)?));
        status.templates.iter().filter_map(sample).collect()
    };
    let failing = |state| matches!(state, TemplateState::Failed | TemplateState::Stale);
    let failing = per_file(&|file| Some(failing(file.state).into()));
    metric("template_failing", "gauge", "1 while a file cannot be brought up to date.", &failing);
    let last = per_file(&|file| file.last_render);
    metric("template_last_render_timestamp_seconds", "gauge", "When a file was put in place.", &last);
    let per_action = |value: &dyn Fn(&ActionStatus) -> u64| -> Vec<(String, u64)> {
        status.reloads.iter().map(|action| (label("action", &action.action), value(action))).collect()
    };
    metric("reloads_total", "counter", "Reload actions that worked.", &per_action(&|action| action.succeeded));
    metric("reload_errors_total", "counter", "Reload actions that failed.", &per_action(&|action| action.failed));
    text
}

fn label(name: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{escaped}\"}}")
}

#[cfg(test)]
mod tests;
