//! The mark that a cluster was made: its id in a ConfigMap, so that the guard never begins a second one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::Failure;
use crate::server::{client, describe};

/// Key of the ConfigMap; the guard sees it as a file of that name.
const KEY: &str = "cluster";
const PATIENCE: Duration = Duration::from_secs(10);

/// Which ConfigMap, and how to reach the API server.
#[derive(clap::Args)]
pub struct Options {
    /// `namespace/name` of the ConfigMap that remembers the cluster; nothing is remembered without it.
    #[arg(long, env = "BLINKCHAMBER_MARKER")]
    pub marker: Option<String>,
    /// URL of the API server.
    #[arg(long, env = "BLINKCHAMBER_API_ADDRESS", default_value = "https://kubernetes.default.svc")]
    pub api_address: String,
    /// The pod's token for the API server.
    #[arg(long, env = "BLINKCHAMBER_API_TOKEN_FILE", default_value = "/run/api/token")]
    pub api_token_file: PathBuf,
    /// PEM file with the API server's authority.
    #[arg(long, env = "BLINKCHAMBER_API_CA_FILE", default_value = "/run/api/ca.crt")]
    pub api_ca_file: PathBuf,
}

/// Remembers the cluster's id. `true` when it was not remembered yet.
///
/// # Errors
/// [`Failure::Failed`] when another cluster is remembered: somebody began a second one.
pub fn remember(options: &Options, cluster: &str) -> Result<bool, Failure> {
    let Some(marker) = &options.marker else { return Ok(false) };
    let (namespace, name) = marker
        .split_once('/')
        .ok_or_else(|| Failure::Configuration(format!("--marker {marker:?}: must be namespace/name")))?;
    let http = client(options.api_address.starts_with("https:").then_some(options.api_ca_file.as_path()), PATIENCE)?;
    let url = format!("{}/api/v1/namespaces/{namespace}/configmaps/{name}", options.api_address.trim_end_matches('/'));
    let call = |method, body| request(&http, options, method, &url, body);
    let found = call(Method::GET, None)?;
    match found.get("data").and_then(|data| data.get(KEY)).and_then(Value::as_str) {
        Some(known) if known == cluster => Ok(false),
        Some(known) => Err(Failure::Failed(format!(
            "ConfigMap {marker} remembers cluster {known}, and the server belongs to cluster {cluster}: somebody began a \
             second cluster; bring the first one back, or empty the ConfigMap if it is gone for good"
        ))),
        None => call(Method::PATCH, Some(json!({"data": {KEY: cluster}}))).map(|_| true),
    }
}

fn request(http: &Client, options: &Options, method: Method, url: &str, body: Option<Value>) -> Result<Value, Failure> {
    let unreachable = |why: String| Failure::Unreachable(format!("{method} {url}: {why}"));
    let token = fs::read_to_string(&options.api_token_file).map(Zeroizing::new);
    let token = token.map_err(|error| unreachable(format!("{}: {error}", options.api_token_file.display())))?;
    let mut request = http.request(method.clone(), url).bearer_auth(token.trim());
    if let Some(body) = body {
        request = request.header("content-type", "application/merge-patch+json").body(body.to_string());
    }
    let response = request.send().map_err(|error| unreachable(describe(&error)))?;
    let status = response.status();
    let answer: Value = response.json().map_err(|error| unreachable(describe(&error)))?;
    if status.is_success() {
        Ok(answer)
    } else {
        let message = answer.get("message").and_then(Value::as_str).unwrap_or("no message");
        Err(unreachable(format!("{status}: {message}")))
    }
}

#[cfg(test)]
mod tests;
