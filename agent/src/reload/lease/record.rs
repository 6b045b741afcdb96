//! A `coordination.k8s.io/v1` Lease as the API server sends it; what is not ours in it is kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// A Lease.
pub(super) struct Record(Value);

impl Record {
    /// A Lease that did not exist, held by us.
    pub(super) fn new(name: &str, holder: &str, good_for: Duration, now: SystemTime) -> Self {
        let (api, kind) = ("coordination.k8s.io/v1", "Lease");
        let mut record = Self(json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name }, "spec": {} }));
        record.take(holder, good_for, now);
        record
    }

    /// As it was sent; `None` when it is not a Lease.
    pub(super) fn of(value: Value) -> Option<Self> {
        value.pointer("/metadata/resourceVersion")?.as_str()?;
        Some(Self(value))
    }

    /// As it is to be sent.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }

    /// Changes with every write.
    pub(super) fn version(&self) -> &str {
        self.0.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// Who has it; `None` when it is free.
    pub(super) fn holder(&self) -> Option<&str> {
        self.0.pointer("/spec/holderIdentity").and_then(Value::as_str).filter(|holder| !holder.is_empty())
    }

    /// For how long it is good without being renewed.
    pub(super) fn good_for(&self) -> Option<Duration> {
        self.0.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).map(Duration::from_secs)
    }

    /// Somebody takes it; that it was let go or is not renewed was looked at before.
    pub(super) fn take(&mut self, holder: &str, good_for: Duration, now: SystemTime) {
        let transitions = self.0.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or_default();
        let again = self.holder() == Some(holder);
        self.set("holderIdentity", holder.into());
        self.set("leaseDurationSeconds", good_for.as_secs().max(1).into());
        self.set("acquireTime", micro_time(now).into());
        self.set("renewTime", micro_time(now).into());
        self.set("leaseTransitions", if again { transitions } else { transitions.saturating_add(1) }.into());
    }

    /// It is still needed.
    pub(super) fn renew(&mut self, now: SystemTime) {
        self.set("renewTime", micro_time(now).into());
    }

    /// It is not needed any more.
    pub(super) fn let_go(&mut self, now: SystemTime) {
        self.set("holderIdentity", "".into());
        self.set("leaseDurationSeconds", 1.into());
        self.set("renewTime", micro_time(now).into());
    }

    fn set(&mut self, key: &str, value: Value) {
        let Some(object) = self.0.as_object_mut() else { return };
        let spec = object.entry("spec").or_insert_with(|| json!({}));
        if !spec.is_object() {
            *spec = json!({});
        }
        if let Some(spec) = spec.as_object_mut() {
            spec.insert(key.to_owned(), value);
        }
    }
}

/// RFC 3339 in UTC with microseconds, as Kubernetes' `MicroTime`.
pub(super) fn micro_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", since.subsec_micros())
}

/// Year, month and day of so many days after 1970-01-01, counted in years that begin in March: the leap day is their
/// last, and an era of 400 of them is always 146 097 days long.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
