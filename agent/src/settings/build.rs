//! From the configuration's text values to settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use blinkchamber_contract::{
    annotations::values,
    config::{AgentConfig, Extension, Method, ReloadAction, Server, Sink, Template},
};
use serde_json::Value;

use super::{LoginSettings, STATIC_INTERVAL, Settings, SettingsError, TemplateSettings};
use crate::{
    env::{self, Environment},
    files::FileSpec,
    reload::{self, LeaseSettings},
    session::Pace,
    vault::{Options, Proxy, Trust},
};

/// Requests at once, whatever is configured: more gains nothing and floods the server.
const CONCURRENCY: usize = 8;

/// How long an application has to change over before a superseded credential is given back.
const DRAIN: Duration = Duration::from_secs(60);

/// How long to wait for an application that was told.
const READY_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) fn settings(config: &AgentConfig, environment: &Environment) -> Result<Settings, SettingsError> {
    let auth =
        config.auto_auth.as_ref().ok_or_else(|| refuse("auto_auth", "must be given: how does the agent log in?"))?;
    let common = config.template_config.clone().unwrap_or_default();
    let extension = config.blinkchamber.clone().unwrap_or_default();
    let method = &auth.method;

    let login_pace = pace(method, Duration::from_secs(1), Duration::from_secs(300))?;
    let fetch_pace = pace(method, Duration::from_millis(250), Duration::from_secs(60))?;
    let interval =
        duration("template_config.static_secret_render_interval", common.static_secret_render_interval.as_deref())?;
    let connections = common.max_connections_per_host.and_then(|number| usize::try_from(number).ok());
    let metrics = extension.metrics_address.as_deref().map(|address| {
        values::socket(address).ok_or_else(|| {
            refuse("blinkchamber.metrics_address", "must be an address and a port, such as 0.0.0.0:9102")
        })
    });
    Ok(Settings {
        server: server(config.vault.as_ref(), environment)?,
        login: LoginSettings::new(method)?,
        login_pace,
        exit_on_login_error: method.exit_on_err,
        sinks: auth.sinks.iter().map(sink).collect::<Result<_, _>>()?,
        templates: templates(&config.templates)?,
        fetch_pace,
        static_interval: interval.filter(|interval| !interval.is_zero()).unwrap_or(STATIC_INTERVAL),
        lease_threshold: common.lease_renewal_threshold.unwrap_or(0.9).clamp(0.1, 0.95),
        concurrency: connections.filter(|number| *number > 0).unwrap_or(CONCURRENCY).min(CONCURRENCY),
        exit_after_auth: config.exit_after_auth,
        exit_on_retry_failure: common.exit_on_retry_failure,
        pid_file: config.pid_file.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
        generations: extension.generations.iter().map(PathBuf::from).collect(),
        home: extension.home.as_ref().map(PathBuf::from),
        reload: reload(&extension, &config.templates)?,
        reload_lease: reload_lease(&extension, config.exit_after_auth, environment)?,
        revoke_on_exit: extension.revoke_on_exit,
        revoke_grace: duration("blinkchamber.revoke_grace", extension.revoke_grace.as_deref())?
            .unwrap_or(Duration::from_secs(5)),
        drain: duration("blinkchamber.drain", extension.drain.as_deref())?.unwrap_or(DRAIN),
        metrics: metrics.transpose()?,
        log_level: config.log_level.clone(),
        log_format: config.log_format.clone(),
    })
}

/// The environment wins over the file, as in Vault Agent.
fn server(config: Option<&Server>, environment: &Environment) -> Result<Options, SettingsError> {
    let config = config.cloned().unwrap_or_default();
    let chosen = |name: &str, configured: Option<String>| {
        environment.server(name).map(str::to_owned).or(configured).filter(|value| !value.is_empty())
    };
    let address = chosen(env::ADDRESS, Some(config.address)).unwrap_or_else(|| "https://127.0.0.1:8200".to_owned());
    let skip_verify = match environment.server(env::SKIP_VERIFY) {
        Some(text) => values::boolean(text).ok_or_else(|| SettingsError::Environment {
            name: format!("VAULT_{}", env::SKIP_VERIFY),
            reason: "must be true or false".to_owned(),
        })?,
        None => config.tls_skip_verify,
    };
    let mut options = Options::new(&address);
    options.namespace = chosen(env::NAMESPACE, config.namespace);
    options.server_name = chosen(env::TLS_SERVER_NAME, config.tls_server_name);
    if let Some(text) = environment.server(env::CLIENT_TIMEOUT) {
        options.request_timeout =
            values::seconds(text).filter(|limit| !limit.is_zero()).ok_or_else(|| SettingsError::Environment {
                name: format!("VAULT_{}", env::CLIENT_TIMEOUT),
                reason: "must be a time above zero, such as 60s".to_owned(),
            })?;
    }
    if let Some(url) = environment.either_case(env::PROXY) {
        let exceptions = environment.either_case(env::NO_PROXY).unwrap_or_default();
        let refused =
            |reason: &str| SettingsError::Environment { name: env::PROXY.to_owned(), reason: reason.to_owned() };
        options.proxy = Some(Proxy::parse(url, exceptions).map_err(refused)?);
    }
    options.trust = Trust {
        ca_file: chosen(env::CA_CERT, config.ca_cert).map(PathBuf::from),
        ca_directory: chosen(env::CA_PATH, config.ca_path).map(PathBuf::from),
        ca_pem: environment.server(env::CA_CERT_BYTES).map(pem),
        client_certificate: chosen(env::CLIENT_CERT, config.client_cert).map(PathBuf::from),
        client_key: chosen(env::CLIENT_KEY, config.client_key).map(PathBuf::from),
        skip_verify,
    };
    Ok(options)
}

/// PEM as it is, or in base64.
fn pem(text: &str) -> String {
    let decoded = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.unwrap_or_else(|| text.to_owned())
}

fn templates(config: &[Template]) -> Result<Vec<TemplateSettings>, SettingsError> {
    let mut seen = BTreeSet::new();
    config
        .iter()
        .enumerate()
        .map(|(position, template)| {
            let key = |name: &str| format!("template[{position}].{name}");
            let text = match (&template.contents, &template.source) {
                (Some(text), None) => text.clone(),
                (None, Some(path)) => fs::read_to_string(path)
                    .map_err(|error| SettingsError::File { path: path.into(), reason: error.to_string() })?,
                _ => return Err(refuse(&key("contents"), "give exactly one of contents and source")),
            };
            if template.destination.is_empty() {
                return Err(refuse(&key("destination"), "must be given"));
            }
            if !seen.insert(&template.destination) {
                return Err(refuse(
                    &key("destination"),
                    "another template has the same destination; give each its own",
                ));
            }
            let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
            Ok(TemplateSettings {
                file: FileSpec {
                    destination: absolute(&template.destination),
                    mode: given(&template.perms).map_or(Ok(0o644), |perms| mode(&key("perms"), &perms))?,
                    user: given(&template.user),
                    group: given(&template.group),
                    create_dirs: template.create_dest_dirs.unwrap_or(true),
                },
                text,
                delimiters: (
                    template.left_delimiter.clone().unwrap_or_default(),
                    template.right_delimiter.clone().unwrap_or_default(),
                ),
                error_on_missing_key: template.error_on_missing_key,
            })
        })
        .collect()
}

fn sink(config: &Sink) -> Result<FileSpec, SettingsError> {
    if config.kind != "file" {
        return Err(refuse("auto_auth.sink.type", "only file is supported"));
    }
    let value = |name: &str| match config.config.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let path = value("path").filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| refuse("auto_auth.sink.config.path", "must be given"))?;
    let owner = |name: &str| value(name).filter(|id| !id.starts_with('-'));
    // A number is decimal, as in HCL and JSON; a text is octal.
    let mode = match config.config.get("mode") {
        Some(Value::Number(number)) => number.as_u64().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o640),
        Some(Value::String(text)) => mode("auto_auth.sink.config.mode", text)?,
        _ => 0o640,
    };
    let (user, group) = (owner("uid"), owner("gid"));
    Ok(FileSpec { destination: absolute(&path), mode, user, group, create_dirs: false })
}

/// Reload actions of the extension, and `command` of a template as one more.
fn reload(
    extension: &Extension,
    templates: &[Template],
) -> Result<BTreeMap<PathBuf, Vec<ReloadAction>>, SettingsError> {
    let mut actions: BTreeMap<PathBuf, Vec<ReloadAction>> = BTreeMap::new();
    for (destination, wanted) in &extension.reload {
        for action in wanted {
            reload::check(action)
                .map_err(|error| refuse(&format!("blinkchamber.reload[{destination:?}]"), &error.to_string()))?;
        }
        actions.entry(absolute(destination)).or_default().extend(wanted.iter().cloned());
    }
    for template in templates {
        let Some(command) = template.command.as_deref().map(str::trim).filter(|command| !command.is_empty()) else {
            continue;
        };
        let argv = if command.contains(char::is_whitespace) {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), command.to_owned()]
        } else {
            vec![command.to_owned()]
        };
        actions.entry(absolute(&template.destination)).or_default().push(ReloadAction::Command { argv });
    }
    Ok(actions)
}

/// Where the API server is, is in the environment of every container.
fn reload_lease(
    extension: &Extension,
    exit_after_auth: bool,
    environment: &Environment,
) -> Result<Option<LeaseSettings>, SettingsError> {
    let Some(lease) = &extension.reload_lease else { return Ok(None) };
    let key = |name: &str| format!("blinkchamber.reload_lease.{name}");
    if exit_after_auth {
        return Err(refuse("blinkchamber.reload_lease", "needs an agent that keeps running: take out exit_after_auth"));
    }
    if !values::object_name(&lease.name) {
        return Err(refuse(&key("name"), "must be the name of a Lease, such as shop-reload"));
    }
    let ready_url = lease.ready_url.clone().filter(|url| !url.is_empty());
    if ready_url.as_deref().is_some_and(|url| !values::local_url(url)) {
        return Err(refuse(
            &key("ready_url"),
            "must be an http:// URL of the pod, such as http://127.0.0.1:8080/ready",
        ));
    }
    let variable = |name: &str| {
        let value = environment.variable(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| SettingsError::Environment {
            name: name.to_owned(),
            reason: "not set, but reload_lease needs the API server; it is set in every container of a pod".to_owned(),
        })
    };
    let (host, port) = (variable(env::API_HOST)?, variable(env::API_PORT)?);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let limit = duration(&key("ready_timeout"), lease.ready_timeout.as_deref())?;
    Ok(Some(LeaseSettings {
        name: lease.name.clone(),
        server: format!("https://{host}:{port}"),
        credentials: absolute(&lease.credentials),
        ready_url,
        ready_timeout: limit.filter(|limit| !limit.is_zero()).unwrap_or(READY_TIMEOUT),
    }))
}

/// The path below the working directory when it is not absolute.
pub(crate) fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_error| PathBuf::from(path))
}

fn mode(key: &str, text: &str) -> Result<u32, SettingsError> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    values::mode(digits).ok_or_else(|| refuse(key, "must be an octal file mode up to 0777, such as 0640"))
}

/// `min_backoff` and `max_backoff` hold for logins and, as in Vault Agent, for secrets; only the defaults differ.
fn pace(method: &Method, min: Duration, max: Duration) -> Result<Pace, SettingsError> {
    let given = |key, text: &Option<String>| duration(key, text.as_deref());
    let configured = given("auto_auth.method.min_backoff", &method.min_backoff)?;
    let min = configured.filter(|min| !min.is_zero()).unwrap_or(min);
    let configured = given("auto_auth.method.max_backoff", &method.max_backoff)?;
    let max = configured.filter(|max| !max.is_zero()).unwrap_or(max);
    Ok(Pace { min, max: max.max(min) })
}

fn duration(key: &str, text: Option<&str>) -> Result<Option<Duration>, SettingsError> {
    let parse = |text| values::seconds(text).ok_or_else(|| refuse(key, "must be a duration such as 30s, 5m or 1h30m"));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

fn refuse(key: &str, reason: &str) -> SettingsError {
    SettingsError::Value { key: key.to_owned(), reason: reason.to_owned() }
}
