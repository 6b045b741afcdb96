use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

const LEAST: [&str; 4] =
    ["--vault-address=http://vault:8200", "--agent-image=agent:1", "--service-name=hook", "--namespace=ns"];

fn read(arguments: &[&str]) -> Result<Settings, Vec<String>> {
    let all = ["blinkchamber-webhook", "serve"].iter().chain(arguments);
    match Cli::try_parse_from(all).unwrap().command {
        Command::Serve(serve) => Settings::read(*serve),
        Command::Inject(_) => panic!("not serve"),
    }
}

fn with(more: &[&str]) -> Result<Settings, Vec<String>> {
    read(&[&LEAST[..], more].concat())
}

#[test]
fn what_is_not_given_has_a_default() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:8443");
    assert!(!settings.reconcile && !settings.log_json && settings.place.is_none());
    let Certificates::Own(profile) = settings.certificates else { panic!("own authority") };
    assert_eq!(profile.leaf_lifetime, Duration::from_secs(24 * 3600));
    assert_eq!(profile.names, ["hook", "hook.ns", "hook.ns.svc", "hook.ns.svc.cluster.local"]);
    let resources = settings.defaults.resources;
    assert_eq!((resources.request_cpu.as_str(), resources.limit_cpu.as_str()), ("10m", ""));
    assert_eq!(settings.defaults.token_audience, "vault");
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = read(&[
        "--listen=8443",
        "--leaf-lifetime=1s",
        "--drain-delay=soon",
        "--reconcile=maybe",
        "--log-level=loud",
        "--log-format=xml",
        "--vault-address=vault:8200",
        "--agent-image-pull-policy=Sometimes",
        "--token-expiration=60",
        "--run-as-user=-1",
        "--cpu-request=lots",
        "--memory-limit=64Mib",
        "--webhook-config-name=hook",
        "--vault-ca-config-map=vault-ca",
    ])
    .unwrap_err();
    let wanted = [
        "--leaf-lifetime \"1s\" is not accepted: expected a duration from 5s to a year, such as 24h or 20s",
        "--service-name (or BLINKCHAMBER_SERVICE_NAME) is required",
        "--namespace (or POD_NAMESPACE) is required",
        "--pod-name (or POD_NAME) is required",
        "--vault-ca-config-map \"vault-ca\" is not accepted: expected NAMESPACE/NAME",
        "--listen \"8443\" is not accepted: expected ADDRESS:PORT, such as 0.0.0.0:8443",
        "--drain-delay \"soon\" is not accepted: expected a duration from 0s to a year, such as 24h or 20s",
        "--reconcile \"maybe\" is not accepted: expected true or false",
        "--log-level \"loud\" is not accepted: expected trace, debug, info, warn or error, or such by module: info,hyper=warn",
        "--log-format \"xml\" is not accepted: expected text or json",
        "--agent-image (or BLINKCHAMBER_AGENT_IMAGE) is required",
        "--vault-address \"vault:8200\" is not accepted: expected http://HOST or https://HOST",
        "--agent-image-pull-policy \"Sometimes\" is not accepted: expected Always or IfNotPresent or Never",
        "--token-expiration \"60\" is not accepted: expected a whole number of at least 600",
        "--run-as-user \"-1\" is not accepted: expected a whole number of at least 0",
        "--cpu-request \"lots\" is not accepted: expected a quantity such as 10m, 0.5 or 16Mi",
        "--memory-limit \"64Mib\" is not accepted: expected a quantity such as 10m, 0.5 or 16Mi",
    ];
    assert_eq!(problems, wanted);
}

#[test]
fn files_come_as_a_pair_and_with_an_authority_when_the_bundle_is_ours() {
    let Certificates::Files(paths) =
        read(&["--vault-address=http://v", "--agent-image=a", "--tls-cert-file=c", "--tls-key-file=k"])
            .unwrap()
            .certificates
    else {
        panic!("files")
    };
    assert_eq!(paths, Paths { cert: "c".into(), key: "k".into(), ca: None });
    assert!(with(&["--tls-cert-file=c"]).unwrap_err()[0].contains("together"));
    assert!(with(&["--tls-ca-file=c"]).unwrap_err()[0].contains("only for"));
    let owned = ["--tls-cert-file=c", "--tls-key-file=k", "--webhook-config-name=hook", "--pod-name=p"];
    assert!(with(&owned).unwrap_err()[0].contains("needs --tls-ca-file"));
    assert!(with(&[&owned[..], &["--tls-ca-file=ca"]].concat()).is_ok());
}

#[test]
fn empty_values_count_as_absent() {
    let settings = with(&["--webhook-config-name=", "--tls-cert-file=", "--agent-image-pull-policy=", "--reconcile="]);
    let settings = settings.unwrap();
    assert!(settings.place.is_none() && settings.defaults.image_pull_policy.is_none());
}

#[test]
fn the_servers_authority_is_read_and_checked() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let flag = format!("--vault-ca-file={}", file.path().display());
    let problems = with(&[&flag]).unwrap_err();
    assert!(problems[0].ends_with("holds no usable certificate in PEM form"), "{problems:?}");
    assert!(with(&["--vault-ca-file=/nowhere"]).unwrap_err()[0].contains("No such file"));
}
