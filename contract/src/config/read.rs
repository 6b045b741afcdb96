//! From a tree of HCL 1 or JSON to the configuration.

use std::collections::BTreeMap;

use blinkchamber_hcl::Body;

use crate::config::reader::Block;
use crate::config::{AgentConfig, Extension, Parsed, ReadError, ReloadLease, Server, TemplateConfig};

mod auto_auth;
mod template;

/// Not available, and a user would miss it: the reason.
const REFUSED: [(&str, &str); 3] = [
    ("env_template", "secrets in the environment are not supported yet: write them to a file with `template`"),
    ("exec", "running the application under the agent is not supported yet: start it beside the agent"),
    ("listener", "a local API listener is not supported yet: let the application read files"),
];

/// Without effect, but the files are written all the same: the reason.
const IGNORED: [(&str, &str); 7] = [
    ("api_proxy", "there is no local API listener"),
    ("cache", "one agent with one login needs no cache"),
    ("log_file", "the agent writes its log to standard error"),
    ("log_rotate_bytes", "the agent writes its log to standard error"),
    ("log_rotate_duration", "the agent writes its log to standard error"),
    ("log_rotate_max_files", "the agent writes its log to standard error"),
    ("telemetry", "`blinkchamber { metrics_address = \"...\" }` serves Prometheus metrics"),
];

const KNOWN: [&str; 11] = [
    "auto_auth",
    "blinkchamber",
    "disable_idle_connections",
    "disable_keep_alives",
    "exit_after_auth",
    "log_format",
    "log_level",
    "pid_file",
    "template",
    "template_config",
    "vault",
];

/// Reads a whole configuration.
pub(super) fn config(file: &str, body: &Body) -> Result<Parsed, ReadError> {
    let top = Block::top(file, body);
    let mut warnings = Vec::new();
    for item in top.keys() {
        if let Some((_, reason)) = REFUSED.iter().find(|(key, _)| *key == item.text) {
            return Err(top.error_at(item, reason));
        }
        if let Some((_, reason)) = IGNORED.iter().find(|(key, _)| *key == item.text) {
            warnings.push(top.warning_at(item, &format!("has no effect: {reason}")));
        } else if !KNOWN.contains(&item.text.as_str()) {
            warnings.push(top.warning_at(item, "is unknown and ignored"));
        }
    }
    let mut config = AgentConfig {
        auto_auth: top.one("auto_auth")?.map(|block| auto_auth::read(&block, &mut warnings)).transpose()?,
        exit_after_auth: top.flag("exit_after_auth")?.unwrap_or_default(),
        pid_file: top.text("pid_file")?,
        vault: top.one("vault")?.map(|block| server(&block, &mut warnings)).transpose()?,
        templates: Vec::new(),
        template_config: top.one("template_config")?.map(|block| template_config(&block)).transpose()?,
        disable_idle_connections: top.texts("disable_idle_connections")?,
        disable_keep_alives: top.texts("disable_keep_alives")?,
        log_level: top.text("log_level")?,
        log_format: top.text("log_format")?,
        blinkchamber: top.one("blinkchamber")?.map(|block| extension(&block)).transpose()?,
    };
    for block in top.blocks("template")? {
        let (template, action) = template::read(&block, &mut warnings)?;
        if let Some(action) = action {
            let extension = config.blinkchamber.get_or_insert_default();
            extension.reload.entry(template.destination.clone()).or_default().push(action);
        }
        config.templates.push(template);
    }
    Ok(Parsed { config, warnings })
}

fn server(block: &Block<'_>, warnings: &mut Vec<String>) -> Result<Server, ReadError> {
    for key in block.keys() {
        if key.text == "retry" {
            warnings.push(block.warning_at(key, "has no effect: the agent retries for as long as it runs"));
        }
    }
    Ok(Server {
        address: block.text("address")?.unwrap_or_default(),
        ca_cert: block.text("ca_cert")?,
        ca_path: block.text("ca_path")?,
        tls_skip_verify: block.flag("tls_skip_verify")?.unwrap_or_default(),
        client_cert: block.text("client_cert")?,
        client_key: block.text("client_key")?,
        tls_server_name: block.text("tls_server_name")?,
        namespace: block.text("namespace")?,
    })
}

fn template_config(block: &Block<'_>) -> Result<TemplateConfig, ReadError> {
    block.only(&[
        "exit_on_retry_failure",
        "lease_renewal_threshold",
        "max_connections_per_host",
        "static_secret_render_interval",
    ])?;
    Ok(TemplateConfig {
        exit_on_retry_failure: block.flag("exit_on_retry_failure")?.unwrap_or_default(),
        static_secret_render_interval: block.duration("static_secret_render_interval")?,
        max_connections_per_host: block.integer("max_connections_per_host")?,
        lease_renewal_threshold: block.float("lease_renewal_threshold")?,
    })
}

fn extension(block: &Block<'_>) -> Result<Extension, ReadError> {
    block.only(&[
        "drain",
        "generations",
        "home",
        "metrics_address",
        "reload",
        "reload_lease",
        "revoke_grace",
        "revoke_on_exit",
    ])?;
    let mut reload = BTreeMap::new();
    if let Some(paths) = block.one("reload")? {
        for path in paths.keys() {
            let actions = paths.blocks(&path.text)?;
            let actions = actions.iter().map(template::action).collect::<Result<Vec<_>, _>>()?;
            reload.entry(path.text.clone()).or_insert_with(|| actions);
        }
    }
    Ok(Extension {
        generations: block.texts("generations")?,
        home: block.text("home")?,
        reload,
        reload_lease: block.one("reload_lease")?.map(|lease| reload_lease(&lease)).transpose()?,
        revoke_on_exit: block.flag("revoke_on_exit")?.unwrap_or_default(),
        revoke_grace: block.duration("revoke_grace")?,
        drain: block.duration("drain")?,
        metrics_address: block.text("metrics_address")?,
    })
}

fn reload_lease(block: &Block<'_>) -> Result<ReloadLease, ReadError> {
    block.only(&["credentials", "name", "ready_timeout", "ready_url"])?;
    let needed = |key: &str| {
        let text = block.text(key)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| block.error(key, "is missing: expected a text"))
    };
    Ok(ReloadLease {
        name: needed("name")?,
        credentials: needed("credentials")?,
        ready_url: block.text("ready_url")?,
        ready_timeout: block.duration("ready_timeout")?,
    })
}
