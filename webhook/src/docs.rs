//! The reference page of the program, written from its command line and its metrics.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use crate::cli::Cli;
use crate::http::refusal::{ROWS, Row};
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

const INTRODUCTION: &str = "\
<!-- Written by `cargo run -p blinkchamber-webhook --example reference > docs/reference/webhook.md`; do not edit. -->

# `blinkchamber-webhook`

The admission server that adds the agent to pods that ask for secrets. The chart runs it; by hand it is good for trying
out what would become of a manifest.

| exit code | means |
|---|---|
| 0 | ok |
| 1 | `inject`: a manifest is refused; why is on standard error |
| 2 | usage or configuration: every problem is on standard error, with what is accepted |
| 3 | server, network or file; standard error names the whole chain of causes |

Each flag can also be given as the environment variable beside it; the flag wins. An empty value is none.
";

/// Endpoints of the TLS port and the admin port: method and path, and what is there.
const ENDPOINTS: [(&str, &str, &str, &str); 5] = [
    (
        "TLS",
        "POST",
        "/mutate",
        "An `AdmissionReview` of `admission.k8s.io/v1` or `v1beta1` in JSON, answered in the version it came in. The answer to \
         a dry run is the answer. Anything but a pod that is being made is let through unchanged.",
    ),
    ("admin", "GET", "/livez", "200 while the process answers."),
    (
        "admin",
        "GET",
        "/readyz",
        "200 when all that is needed to be called and to answer is there, above all a valid certificate whose authority \
         stands in the webhook configuration's `caBundle`; else 503 with the reason. 503 too once the process was told to end.",
    ),
    ("admin", "GET", "/metrics", "OpenMetrics."),
    ("admin", "GET", "/ca.pem", "The authorities to trust, for clients other than the API server."),
];

const REFUSALS: &str = "
A pod that cannot be injected as it asks is answered with 200 and `allowed: false`, as the API server expects. What is no
review, or too much of one, is answered with a status of its own and a sentence:

| status | when | `outcome` |
|---|---|---|
";

const CONNECTIONS: &str = "
Connections are bounded too: 1024 in all, 256 from one address. One that does not complete its handshake within 5 s or
its first request within 10 s is dropped; one without requests for 2 to 4 minutes is closed in order.
";

const INJECT: &str = "
```sh
blinkchamber-webhook inject -f deployment.yaml --vault-address http://vault.blinkchamber.svc:8200 --agent-image agent:1
helm template shop | blinkchamber-webhook inject --patch --vault-address ... --agent-image ...
```

Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Jobs, CronJobs, PodTemplates and Lists
of them are injected; everything else, and what is refused, is written as it came. With `--patch`, one line of JSON
`{\"object\": ..., \"patch\": ...}` for each manifest that changes.
";

/// The page `docs/reference/webhook.md`.
#[must_use]
pub fn webhook_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let command = Cli::command();
    for part in command.get_subcommands() {
        let about = part.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "\n## `blinkchamber-webhook {}`\n\n{about}.", part.get_name());
        if part.get_name() == "inject" {
            page.push_str(INJECT);
        }
        flags(&mut page, part.get_arguments().filter(|argument| argument.get_help_heading().is_none()));
        page.push_str("\nAnd what pods get, as below.\n");
    }
    page.push_str("\n## What pods get\n\nFor `serve` and `inject` alike, where a pod's annotations say nothing.\n");
    let shared = command.get_subcommands().next().into_iter().flat_map(Command::get_arguments);
    flags(&mut page, shared.filter(|argument| argument.get_help_heading().is_some()));
    endpoints(&mut page);
    page.push_str(REFUSALS);
    for Row { status, when, outcome, .. } in &ROWS {
        let _ = writeln!(page, "| {} | {when} | `{outcome}` |", status.as_u16());
    }
    page.push_str(CONNECTIONS);
    metrics(&mut page);
    page
}

// Writing to a text cannot fail, so the results below say nothing.

fn flags<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("\n| flag | environment | default | meaning |\n|---|---|---|---|\n");
    for argument in arguments.filter(|argument| argument.get_id() != "help") {
        let _ = writeln!(page, "{}", row(argument));
    }
}

fn row(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let long = argument.get_long().unwrap_or_default();
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .and_then(|names| names.first())
        .map(|name| format!("=<{name}>"))
        .unwrap_or_default();
    let environment = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let default: Vec<_> = argument
        .get_default_values()
        .iter()
        .filter(|value| !value.is_empty() && argument.get_action().takes_values())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let cells = [format!("`{short}--{long}{value}`"), environment, default.join(" "), help];
    format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

fn endpoints(page: &mut String) {
    page.push_str("\n## Endpoints\n\n| port | request | answer |\n|---|---|---|\n");
    for (port, method, path, answer) in ENDPOINTS {
        let _ = writeln!(page, "| {port} | `{method} {path}` | {answer} |");
    }
}

/// Every family as the program itself describes it.
fn metrics(page: &mut String) {
    page.push_str("\n## Metrics\n\n| metric | type | meaning |\n|---|---|---|\n");
    let exposition = Metrics::sample().text().unwrap_or_default();
    let described = |kind: &str, line: &str| -> Option<(String, String)> {
        let (name, text) = line.strip_prefix(kind)?.split_once(' ')?;
        Some((name.to_owned(), text.trim_end_matches('.').to_owned()))
    };
    let types: Vec<_> = exposition.lines().filter_map(|line| described("# TYPE ", line)).collect();
    for (name, help) in exposition.lines().filter_map(|line| described("# HELP ", line)) {
        let Some((_, kind)) = types.iter().find(|(typed, _)| *typed == name) else { continue };
        let shown = if kind == "counter" { format!("{name}_total") } else { name };
        let label = exposition
            .lines()
            .find_map(|line| line.strip_prefix(shown.as_str())?.strip_prefix('{')?.split_once('='))
            .map(|(label, _)| format!("{{{label}}}"));
        let _ = writeln!(page, "| `{shown}{}` | {kind} | {help} |", label.unwrap_or_default());
    }
}
