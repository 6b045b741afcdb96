//! Keeps our authority in the `caBundle` of the one MutatingWebhookConfiguration that is ours.
//!
//! Every replica does it, and none leads: a write names the version it read, so of two writers one reads again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blinkchamber_certs::{Bundle, CaCert, ORGANIZATION, merge};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::keeper::Keeper;
use crate::logs::chain;
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// How often the configuration is looked at: an upgrade of the chart may have reset it.
const INTERVAL: Duration = Duration::from_secs(3);

/// Writers that got in each other's way try again so often before the next interval.
const ATTEMPTS: u32 = 5;

/// What is whose.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The MutatingWebhookConfiguration.
    pub(crate) configuration: String,
    /// Only entries that call this service are ours.
    pub(crate) service: String,
    /// Namespace of service and replicas.
    pub(crate) namespace: String,
    /// Identity of this replica.
    pub(crate) pod: String,
}

/// One replica's hand on the bundle.
pub(crate) struct Owner {
    pub(crate) client: Client,
    pub(crate) place: Place,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Why the bundle could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {operation} {subject}")]
    Api {
        operation: &'static str,
        subject: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("webhook configuration {configuration} has no entry for service {namespace}/{service}")]
    NoEntry { configuration: String, namespace: String, service: String },
    #[error("webhook configuration {0} was changed by others at each attempt")]
    Contended(String),
    #[error("cannot write the change to webhook configuration {configuration}")]
    Change {
        configuration: String,
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// The server answered, and nobody is told to trust us; when it does not answer, what was seen last still holds.
    fn means_no_trust(&self) -> bool {
        match self {
            Self::Api { source, .. } => matches!(&**source, kube::Error::Api(status) if status.code == 404),
            Self::NoEntry { .. } => true,
            Self::Change { .. } | Self::Contended(_) => false,
        }
    }
}

impl Owner {
    /// Looks after the bundle for ever.
    pub(crate) async fn run(&self) {
        let mut last_error = String::new();
        loop {
            match self.sync().await {
                Ok(()) => last_error.clear(),
                Err(error) => {
                    self.metrics.bundle_patch("failed");
                    if error.means_no_trust() {
                        self.observe(&[], SystemTime::now());
                    }
                    let text = chain(&error);
                    if text != last_error {
                        warn!(error = %text, "caBundle not up to date");
                        last_error = text;
                    }
                }
            }
            // Either way, whatever comes first.
            let _ = timeout(INTERVAL, self.keeper.changed.notified()).await;
        }
    }

    async fn sync(&self) -> Result<(), Error> {
        let configurations: Api<MutatingWebhookConfiguration> = Api::all(self.client.clone());
        let name = &self.place.configuration;
        for attempt in 0..ATTEMPTS {
            // Before the pods: whatever wrote into this version has its pod in the list that follows.
            let configuration = configurations.get(name).await.map_err(self.failed("get"))?;
            let entries = entries(&configuration, &self.place);
            if entries.is_empty() {
                let Place { configuration, service, namespace, .. } = self.place.clone();
                return Err(Error::NoEntry { configuration, namespace, service });
            }
            let live = self.live(&entries).await;
            let now = SystemTime::now();
            let wanted =
                Wanted { own: &self.keeper.authorities(), identity: &self.place.pod, live: live.as_ref(), now };
            let change = changes(&configuration, &entries, &wanted);
            if let Some(change) = change {
                let change = serde_json::from_value::<json_patch::Patch>(change)
                    .map_err(|source| Error::Change { configuration: name.clone(), source })?;
                let params = PatchParams { field_manager: Some(ORGANIZATION.to_owned()), ..PatchParams::default() };
                match configurations.patch_metadata(name, &params, &Patch::Json::<()>(change)).await {
                    Ok(_) => {
                        self.metrics.bundle_patch("written");
                        info!(configuration = %name, "caBundle written");
                    }
                    Err(kube::Error::Api(status)) if matches!(status.code, 409 | 422) => {
                        self.metrics.bundle_patch("conflict");
                        sleep(jitter(attempt)).await;
                        continue;
                    }
                    Err(error) => return Err(self.failed("patch")(error)),
                }
                // What counts is what the server holds, so it is read again.
                continue;
            }
            self.observe(&entries, now);
            return Ok(());
        }
        Err(Error::Contended(name.clone()))
    }

    /// The replicas that exist, when there are others to decide about.
    async fn live(&self, entries: &[Entry]) -> Option<BTreeSet<String>> {
        let others = |ca: &CaCert| ca.owner().is_some_and(|owner| owner != self.place.pod);
        if !entries.iter().flat_map(|entry| &entry.bundle.certificates).any(others) {
            return None;
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.place.namespace);
        // Not `phase=Running`: a replica publishes its authority before the kubelet has said that it runs.
        let params = ListParams::default().fields("status.phase!=Failed,status.phase!=Succeeded");
        match pods.list_metadata(&params).await {
            Ok(list) => Some(list.items.into_iter().filter_map(|pod| pod.metadata.name).collect()),
            Err(error) => {
                warn!(error = chain(&error), namespace = %self.place.namespace, "replicas unknown, all authorities stay");
                None
            }
        }
    }

    fn observe(&self, entries: &[Entry], now: SystemTime) {
        let in_all = |ca: &&CaCert| entries.iter().all(|entry| entry.bundle.certificates.contains(ca));
        let first = entries.first().map(|entry| entry.bundle.certificates.as_slice()).unwrap_or_default();
        let bundle: Vec<CaCert> = first.iter().filter(in_all).cloned().collect();
        self.keeper.observe(&bundle, now);
        let own = self.keeper.authorities();
        self.metrics.ca_bundle_holds_own.set(i64::from(own.iter().all(|ca| bundle.contains(ca))));
        self.metrics.ca_bundle_certificates.set(i64::try_from(bundle.len()).unwrap_or(i64::MAX));
    }

    fn failed(&self, operation: &'static str) -> impl Fn(kube::Error) -> Error + use<> {
        let subject = format!("webhook configuration {}", self.place.configuration);
        move |source| Error::Api { operation, subject: subject.clone(), source: Box::new(source) }
    }
}

/// An entry of the configuration that calls our service.
struct Entry {
    at: usize,
    bundle: Bundle,
    /// As the server has it.
    bytes: Vec<u8>,
}

fn entries(configuration: &MutatingWebhookConfiguration, place: &Place) -> Vec<Entry> {
    let webhooks = configuration.webhooks.as_deref().unwrap_or_default();
    let ours = |(at, webhook): (usize, &k8s_openapi::api::admissionregistration::v1::MutatingWebhook)| {
        let service = webhook.client_config.service.as_ref()?;
        (service.name == place.service && service.namespace == place.namespace).then(|| {
            let bytes = webhook.client_config.ca_bundle.as_ref().map(|bytes| bytes.0.clone()).unwrap_or_default();
            Entry { at, bundle: Bundle::read(&bytes), bytes }
        })
    };
    webhooks.iter().enumerate().filter_map(ours).collect()
}

struct Wanted<'a> {
    own: &'a [CaCert],
    identity: &'a str,
    live: Option<&'a BTreeSet<String>>,
    now: SystemTime,
}

/// JSON patch that brings the entries up to date, if any is not; it fails when the configuration changed since.
fn changes(configuration: &MutatingWebhookConfiguration, entries: &[Entry], wanted: &Wanted<'_>) -> Option<Value> {
    let version = configuration.metadata.resource_version.as_deref().unwrap_or_default();
    let mut ops = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
    for entry in entries {
        let pem = merge(&entry.bundle, wanted.own, wanted.identity, wanted.live, wanted.now).to_pem();
        // An empty bundle would mean the system's authorities: better a stale one.
        if !pem.is_empty() && pem.as_bytes() != entry.bytes {
            let path = format!("/webhooks/{}/clientConfig/caBundle", entry.at);
            ops.push(json!({"op": "add", "path": path, "value": STANDARD.encode(pem)}));
        }
    }
    (ops.len() > 1).then_some(Value::Array(ops))
}

/// Up to 100 ms for the first, doubling. The clock's last digits are as good as dice here.
fn jitter(attempt: u32) -> Duration {
    let dice = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_micros() % 100;
    Duration::from_millis(u64::from(dice + 1)) * 2_u32.pow(attempt.min(4))
}
