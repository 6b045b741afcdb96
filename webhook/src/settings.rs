//! From text to values. All problems are found before one is reported, and nothing is opened before all are solved.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use blinkchamber_certs::{CaCert, Paths, Profile};
use blinkchamber_contract::annotations::values;
use blinkchamber_contract::plan::{Defaults, Resources};
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::authority::Published;
use crate::bundle::Place;
use crate::cli::{Injection, Serve};

#[cfg(test)]
mod tests;

/// What `serve` was told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) certificates: Certificates,
    /// The configuration to keep our authority in.
    pub(crate) place: Option<Place>,
    pub(crate) drain_delay: Duration,
    pub(crate) reconcile: bool,
    /// Name of this pod.
    pub(crate) identity: String,
    pub(crate) log_filter: Targets,
    pub(crate) log_json: bool,
    pub(crate) defaults: Defaults,
    /// Where OpenBao's authority is published, when it is.
    pub(crate) published: Option<Published>,
}

/// Where certificates come from.
#[derive(Debug)]
pub(crate) enum Certificates {
    Files(Paths),
    Own(Profile),
}

impl Settings {
    /// # Errors
    /// One sentence for each problem: what was given, what is accepted.
    pub(crate) fn read(serve: Serve) -> Result<Self, Vec<String>> {
        let mut check = Check::default();
        let Serve {
            listen,
            admin_listen,
            webhook_config_name,
            service_name,
            namespace,
            pod_name,
            tls_cert_file,
            tls_key_file,
            tls_ca_file,
            leaf_lifetime,
            drain_delay,
            reconcile,
            log_level,
            log_format,
            vault_ca_config_map,
            injection,
        } = serve;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let file = |path: Option<String>| given(path).map(PathBuf::from);
        let (configuration, service) = (given(webhook_config_name), given(service_name));
        let (namespace, pod) = (given(namespace), given(pod_name));
        let files = (file(tls_cert_file), file(tls_key_file), file(tls_ca_file));
        let lifetime = check.duration("--leaf-lifetime", &leaf_lifetime, Duration::from_secs(5));
        let identity = pod.clone().unwrap_or_else(|| "blinkchamber-webhook".to_owned());

        let certificates = match files {
            (Some(cert), Some(key), ca) => {
                if configuration.is_some() && ca.is_none() {
                    check.problem(
                        "--webhook-config-name with --tls-cert-file needs --tls-ca-file, the authority to write there: \
                         where somebody else keeps the caBundle (cert-manager's ca-injector), leave --webhook-config-name out"
                            .to_owned(),
                    );
                }
                Certificates::Files(Paths { cert, key, ca })
            }
            (None, None, ca) => {
                if ca.is_some() {
                    check.problem("--tls-ca-file is only for --tls-cert-file and --tls-key-file".to_owned());
                }
                let service = check.required("--service-name", "BLINKCHAMBER_SERVICE_NAME", service.clone());
                let namespace = check.required("--namespace", "POD_NAMESPACE", namespace.clone());
                let names = Profile::service_names(&service, &namespace);
                Certificates::Own(Profile { identity: identity.clone(), names, leaf_lifetime: lifetime })
            }
            _ => {
                check.problem("--tls-cert-file and --tls-key-file are given together or not at all".to_owned());
                Certificates::Own(Profile { identity: identity.clone(), names: Vec::new(), leaf_lifetime: lifetime })
            }
        };
        let place = configuration.map(|configuration| Place {
            configuration,
            service: check.required("--service-name", "BLINKCHAMBER_SERVICE_NAME", service),
            namespace: check.required("--namespace", "POD_NAMESPACE", namespace),
            pod: check.required("--pod-name", "POD_NAME", pod),
        });
        let published = given(vault_ca_config_map).and_then(|text| {
            if injection.vault_ca_file.as_deref().is_some_and(|path| !path.is_empty()) {
                check.problem("--vault-ca-config-map and --vault-ca-file are not given together".to_owned());
            }
            Published::parse(&text).or_else(|| {
                check.problem(format!("--vault-ca-config-map {text:?} is not accepted: expected NAMESPACE/NAME"));
                None
            })
        });
        let settings = Self {
            published,
            listen: check.address("--listen", &listen),
            admin_listen: check.address("--admin-listen", &admin_listen),
            certificates,
            place,
            drain_delay: check.duration("--drain-delay", &drain_delay, Duration::ZERO),
            reconcile: check.one_of("--reconcile", &reconcile, &[("true", true), ("false", false), ("", false)]),
            identity,
            log_filter: check.filter(&log_level),
            log_json: check.one_of("--log-format", &log_format, &[("text", false), ("json", true)]),
            defaults: check.defaults(injection),
        };
        check.done(settings)
    }
}

/// What `inject` was told about pods.
///
/// # Errors
/// One sentence for each problem.
pub(crate) fn defaults(injection: Injection) -> Result<Defaults, Vec<String>> {
    let mut check = Check::default();
    let defaults = check.defaults(injection);
    check.done(defaults)
}

/// Collects problems while values are read; what cannot be read becomes something that is never used.
#[derive(Default)]
struct Check(Vec<String>);

impl Check {
    fn done<T>(mut self, value: T) -> Result<T, Vec<String>> {
        self.0.dedup();
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    fn problem(&mut self, problem: String) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    fn required(&mut self, flag: &str, variable: &str, given: Option<String>) -> String {
        given.filter(|given| !given.is_empty()).unwrap_or_else(|| {
            self.problem(format!("{flag} (or {variable}) is required"));
            String::new()
        })
    }

    fn address(&mut self, flag: &str, given: &str) -> SocketAddr {
        given.parse().unwrap_or_else(|_| {
            self.problem(format!("{flag} {given:?} is not accepted: expected ADDRESS:PORT, such as 0.0.0.0:8443"));
            SocketAddr::from(([0, 0, 0, 0], 0))
        })
    }

    fn duration(&mut self, flag: &str, given: &str, least: Duration) -> Duration {
        // A year is more than anyone means, and far from where dates overflow.
        let most = Duration::from_secs(365 * 24 * 3600);
        values::duration(given).filter(|read| (least..=most).contains(read)).unwrap_or_else(|| {
            let least = least.as_secs();
            self.problem(format!(
                "{flag} {given:?} is not accepted: expected a duration from {least}s to a year, such as 24h or 20s"
            ));
            most
        })
    }

    fn one_of<T: Copy + Default>(&mut self, flag: &str, given: &str, accepted: &[(&str, T)]) -> T {
        if let Some((_, value)) = accepted.iter().find(|(name, _)| *name == given) {
            return *value;
        }
        let names: Vec<&str> = accepted.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
        self.problem(format!("{flag} {given:?} is not accepted: expected {}", names.join(" or ")));
        T::default()
    }

    fn number<T: FromStr + PartialOrd + std::fmt::Display + Copy>(&mut self, flag: &str, given: &str, least: T) -> T {
        given.parse().ok().filter(|number| *number >= least).unwrap_or_else(|| {
            self.problem(format!("{flag} {given:?} is not accepted: expected a whole number of at least {least}"));
            least
        })
    }

    fn quantity(&mut self, flag: &str, given: String) -> String {
        let digits = given.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
        let number = given.strip_suffix(digits).unwrap_or_default();
        let suffixes = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
        let accepted = number.parse::<f64>().is_ok() && suffixes.contains(&digits);
        if !given.is_empty() && !accepted {
            self.problem(format!("{flag} {given:?} is not accepted: expected a quantity such as 10m, 0.5 or 16Mi"));
        }
        given
    }

    fn filter(&mut self, given: &str) -> Targets {
        // The parser takes a word that is no level for the name of a module.
        let words = given.split(',').all(|part| part.contains('=') || part.parse::<LevelFilter>().is_ok());
        given.parse().ok().filter(|_| words).unwrap_or_else(|| {
            self.problem(format!(
                "--log-level {given:?} is not accepted: expected trace, debug, info, warn or error, or such by module: info,hyper=warn"
            ));
            Targets::new()
        })
    }

    fn authority(&mut self, path: &Path) -> Option<String> {
        let read = fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| {
            CaCert::from_pem(&bytes, &path.display().to_string()).map_err(|error| error.to_string())?;
            String::from_utf8(bytes).map_err(|error| error.to_string())
        });
        read.inspect_err(|error| self.problem(format!("--vault-ca-file {}: {error}", path.display()))).ok()
    }

    fn defaults(&mut self, injection: Injection) -> Defaults {
        let Injection {
            vault_address,
            vault_auth_path,
            vault_auth_type,
            vault_ca_file,
            agent_image,
            agent_image_pull_policy,
            token_audience,
            token_expiration,
            volume_size_limit,
            run_as_user,
            run_as_group,
            cpu_request,
            memory_request,
            cpu_limit,
            memory_limit,
        } = injection;
        let image = self.required("--agent-image", "BLINKCHAMBER_AGENT_IMAGE", agent_image);
        let address = self.required("--vault-address", "BLINKCHAMBER_VAULT_ADDRESS", vault_address);
        let host = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
        if !address.is_empty() && host.is_none_or(str::is_empty) {
            self.problem(format!("--vault-address {address:?} is not accepted: expected http://HOST or https://HOST"));
        }
        let mut defaults = Defaults::new(image, address);
        let policies = ["Always", "IfNotPresent", "Never"];
        defaults.image_pull_policy = agent_image_pull_policy.filter(|policy| !policy.is_empty());
        if let Some(policy) = defaults.image_pull_policy.as_deref().filter(|policy| !policies.contains(policy)) {
            let problem =
                format!("--agent-image-pull-policy {policy:?} is not accepted: expected {}", policies.join(" or "));
            self.problem(problem);
        }
        defaults.ca_cert_pem =
            vault_ca_file.filter(|path| !path.is_empty()).and_then(|path| self.authority(Path::new(&path)));
        defaults.auth_path = self.required("--vault-auth-path", "BLINKCHAMBER_VAULT_AUTH_PATH", Some(vault_auth_path));
        defaults.auth_type = self.required("--vault-auth-type", "BLINKCHAMBER_VAULT_AUTH_TYPE", Some(vault_auth_type));
        defaults.token_audience = token_audience;
        defaults.token_expiration_seconds = self.number("--token-expiration", &token_expiration, 600);
        defaults.volume_size_limit = self.quantity("--volume-size-limit", volume_size_limit);
        defaults.run_as_user = self.number("--run-as-user", &run_as_user, 0);
        defaults.run_as_group = self.number("--run-as-group", &run_as_group, 0);
        let mut resources = Resources::default();
        resources.request_cpu = self.quantity("--cpu-request", cpu_request);
        resources.request_memory = self.quantity("--memory-request", memory_request);
        resources.limit_cpu = self.quantity("--cpu-limit", cpu_limit);
        resources.limit_memory = self.quantity("--memory-limit", memory_limit);
        defaults.resources = resources;
        defaults
    }
}
