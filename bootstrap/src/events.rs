//! Kubernetes Events about what the platform did by itself: `kubectl get events` tells it without a log.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::json;

use crate::Failure;
use crate::kubernetes::{Api, namespaced};

/// What the API server accepts at most is 1024 bytes.
const LONGEST: usize = 1000;

/// Tells about one object.
pub struct Events {
    api: Api,
    namespace: String,
    subject: String,
    reporter: String,
    told: AtomicU64,
}

impl Events {
    /// About the Deployment of the same name as the Lease `namespace/name`.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when the name is none.
    pub fn new(api: Api, name: &str, reporter: &str) -> Result<Self, Failure> {
        let (namespace, subject) = namespaced("--lease", name)?;
        let (namespace, subject, reporter) = (namespace.to_owned(), subject.to_owned(), reporter.to_owned());
        Ok(Self { api, namespace, subject, reporter, told: AtomicU64::new(0) })
    }

    /// One Event; `note` names paths and keys, never values. Nobody waits for it, so a failure is not one of the work.
    pub fn tell(&self, kind: &str, reason: &str, note: &str) {
        let now = Timestamp::now();
        let number = self.told.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{:x}.{number:x}", self.reporter, now.as_millisecond());
        let mut note = note.to_owned();
        while note.len() > LONGEST {
            note.pop();
        }
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": self.namespace},
            "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.subject,
                               "namespace": self.namespace},
            "type": kind, "reason": reason, "message": note, "count": 1,
            "firstTimestamp": time, "lastTimestamp": time,
            "source": {"component": "blinkchamber-bootstrap"},
            "reportingComponent": "blinkchamber.io/bootstrap", "reportingInstance": self.reporter,
        });
        self.api.create(&format!("/api/v1/namespaces/{}/events", self.namespace), &event).ok();
    }
}
