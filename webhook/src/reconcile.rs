//! Pods that were made while no webhook was there to see them.
//!
//! Such a pod waits at its scheduling gate and cannot be changed any more (containers are fixed at creation), so it is
//! deleted, and its owner makes it again. A pod without a controlling owner would not come back: it is left alone, with
//! an event that says what to do. So is one that would be refused, or not injected, when made again.
//!
//! A Job counts a deleted pod as a failed one: leave room in its `backoffLimit` (the default is 6).
//!
//! Every replica that is ready does this; deleting names the pod's uid, so doing it twice does nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use blinkchamber_contract::plan::{Decision, Defaults, GATE, Request, plan};
use jiff::Timestamp;
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::admin::Admin;
use crate::authority::Current;
use crate::logs::chain;

#[cfg(test)]
mod tests;

/// How often pods are looked at.
const INTERVAL: Duration = Duration::from_secs(4);

/// Younger pods are left to settle.
const YOUNG: i64 = 3;

/// Wait between two deletions for one owner: doubles from here to [`PATIENCE`], so that a cluster in which new pods do
/// not reach the webhook is not kept busy making and deleting them.
const FIRST_WAIT: i64 = 4;

/// Longest wait in seconds.
const PATIENCE: i64 = 300;

/// One replica's reconciler.
pub(crate) struct Reconciler {
    pub(crate) client: Client,
    pub(crate) defaults: Current,
    pub(crate) admin: Arc<Admin>,
    /// Name of this pod, for events.
    pub(crate) identity: String,
}

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}")]
pub(crate) struct Error {
    operation: String,
    #[source]
    source: Box<kube::Error>,
}

impl Error {
    fn is(&self, codes: &[u16]) -> bool {
        matches!(&*self.source, kube::Error::Api(status) if codes.contains(&status.code))
    }
}

impl Reconciler {
    /// Looks after gated pods for ever.
    pub(crate) async fn run(&self) {
        let mut memory = Memory::default();
        loop {
            sleep(INTERVAL).await;
            if self.admin.obstacle().is_some() {
                continue;
            }
            if let Err(error) = self.round(&mut memory).await {
                warn!(error = chain(&error), "gated pods not looked after");
            }
        }
    }

    async fn round(&self, memory: &mut Memory) -> Result<(), Error> {
        let pods = self.gated().await?;
        let now = Timestamp::now();
        memory.forget(now);
        let mut stuck = 0;
        for pod in &pods {
            let Some(waiting) = Waiting::read(pod, now) else { continue };
            match judge(&waiting, pod, &self.defaults.load()) {
                Verdict::Stuck(reason) => {
                    stuck += 1;
                    if memory.first_time(waiting.uid) {
                        warn!(namespace = waiting.namespace, pod = waiting.name, %reason, "gated pod waits for a person");
                        self.event(pod, &waiting, "InjectionBlocked", &reason).await;
                    }
                }
                Verdict::Remake(owner) if memory.may_delete(owner, now) => {
                    info!(
                        namespace = waiting.namespace,
                        pod = waiting.name,
                        "gated pod deleted, its owner makes it again"
                    );
                    let reason = "made before the injector was there: deleted, so that its owner makes it again";
                    self.event(pod, &waiting, "InjectionRetried", reason).await;
                    self.delete(&waiting).await?;
                    self.admin.metrics.reconciler_deletions.inc();
                }
                Verdict::Remake(_) => {}
            }
        }
        self.admin.metrics.reconciler_stuck.set(stuck);
        Ok(())
    }

    /// Pods at our gate. Raw JSON, as the plan reads it; in small pages, for others' pending pods may be large and many.
    async fn gated(&self) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/api/v1/pods?fieldSelector=status.phase%3DPending&limit=50{next}");
            let page: Page = self.request("GET", &path, None, "list pods").await?;
            all.extend(page.items.into_iter().filter(is_gated));
            match page.metadata.and_then(|metadata| metadata.next).filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", escape(&token)),
                None => return Ok(all),
            }
        }
    }

    async fn delete(&self, pod: &Waiting<'_>) -> Result<(), Error> {
        let path = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace, pod.name);
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": pod.uid}});
        match self.request::<Value>("DELETE", &path, Some(&options), "delete a gated pod").await {
            // Gone, or another replica was faster and this is the next pod of that name.
            Err(error) if error.is(&[404, 409]) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Best effort: what an event says is in the log too.
    async fn event(&self, pod: &Value, waiting: &Waiting<'_>, reason: &str, note: &str) {
        let path = format!("/api/v1/namespaces/{}/events", waiting.namespace);
        let event = event(pod, waiting, reason, note, &self.identity, Timestamp::now());
        match self.request::<Value>("POST", &path, Some(&event), "create an event").await {
            // Another replica was faster.
            Err(error) if error.is(&[409]) => {}
            Err(error) => warn!(error = chain(&error), "no event for the pod"),
            Ok(_) => {}
        }
    }

    async fn request<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        operation: &str,
    ) -> Result<T, Error> {
        let failed = |source| Error { operation: operation.to_owned(), source: Box::new(source) };
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| failed(kube::Error::HttpError(error)))?;
        self.client.request(request).await.map_err(failed)
    }
}

#[derive(Deserialize)]
struct Page {
    metadata: Option<PageMetadata>,
    items: Vec<Value>,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// A gated pod that is old enough and not on its way out.
struct Waiting<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    /// uid of the controlling owner.
    owner: Option<&'a str>,
}

impl<'a> Waiting<'a> {
    fn read(pod: &'a Value, now: Timestamp) -> Option<Self> {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        let created: Timestamp = text("/metadata/creationTimestamp")?.parse().ok()?;
        let young = now.as_second() - created.as_second() < YOUNG;
        if young || text("/metadata/deletionTimestamp").is_some() {
            return None;
        }
        let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
        Some(Self {
            namespace: text("/metadata/namespace")?,
            name: text("/metadata/name")?,
            uid: text("/metadata/uid")?,
            owner: owners.and_then(|all| all.iter().find(controls)?.get("uid")?.as_str()),
        })
    }
}

enum Verdict<'a> {
    /// To be deleted; the owner's uid.
    Remake(&'a str),
    /// Why a person has to look.
    Stuck(String),
}

fn judge<'a>(waiting: &Waiting<'a>, pod: &Value, defaults: &Defaults) -> Verdict<'a> {
    match plan(Request { namespace: waiting.namespace, pod }, defaults) {
        Err(refusal) => Verdict::Stuck(format!("it would be refused: {refusal}")),
        Ok(outcome) => match (outcome.decision, waiting.owner) {
            (Decision::Skip, _) => Verdict::Stuck(format!(
                "it waits at the gate {GATE} but does not ask for injection: take the gate out or set the annotation"
            )),
            (Decision::Inject(_), Some(owner)) => Verdict::Remake(owner),
            (Decision::Inject(_), None) => Verdict::Stuck(
                "it was made before the injector was there, and no controller would make it again: \
                 delete it and create it anew"
                    .to_owned(),
            ),
        },
    }
}

fn is_gated(pod: &Value) -> bool {
    let gates = pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
    gates.is_some_and(|gates| gates.iter().any(|gate| gate.get("name").and_then(Value::as_str) == Some(GATE)))
}

/// What was done lately, so that it is not done too often.
#[derive(Default)]
struct Memory {
    /// When an owner's pods may be deleted again, and how long to wait after that; times in Unix seconds.
    owners: BTreeMap<String, (i64, i64)>,
    told: std::collections::BTreeSet<String>,
}

impl Memory {
    /// All pods of an owner that are seen in one round go together; the next round waits.
    fn may_delete(&mut self, owner: &str, now: Timestamp) -> bool {
        let now = now.as_second();
        match self.owners.get_mut(owner) {
            None => {
                self.owners.insert(owner.to_owned(), (now, FIRST_WAIT));
                true
            }
            Some((last, _)) if *last == now => true,
            Some((last, wait)) if now - *last >= *wait => {
                *last = now;
                *wait = (*wait * 2).min(PATIENCE);
                true
            }
            Some(_) => false,
        }
    }

    fn first_time(&mut self, uid: &str) -> bool {
        self.told.insert(uid.to_owned())
    }

    /// Owners that have been quiet for long, and a list that has become long.
    fn forget(&mut self, now: Timestamp) {
        self.owners.retain(|_, (last, _)| now.as_second() - *last < PATIENCE * 2);
        if self.told.len() > 10_000 {
            self.told.clear();
        }
    }
}

fn event(pod: &Value, waiting: &Waiting<'_>, reason: &str, note: &str, identity: &str, now: Timestamp) -> Value {
    let version = pod.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
    let kind = if reason == "InjectionBlocked" { "Warning" } else { "Normal" };
    // The same for every replica, so that one event is told once.
    let name = format!("{:.180}.{:.36}.{}", waiting.name, waiting.uid, reason.to_lowercase());
    // What the API server accepts at most is 1024 bytes.
    let note: String = note.chars().take(1000 / 4).collect();
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": waiting.namespace},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "name": waiting.name, "namespace": waiting.namespace,
            "uid": waiting.uid, "resourceVersion": version,
        },
        "type": kind, "reason": reason, "message": note, "action": "Injecting", "count": 1,
        "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "source": {"component": "blinkchamber-webhook"},
        "reportingComponent": "blinkchamber.io/webhook", "reportingInstance": identity,
    })
}

/// For a query: everything but letters, digits and `-_.~`.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
